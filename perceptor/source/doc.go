// Package source is where a pipeline's changes come from: the rows that a server's tables have, and then what its binlog tells, as one
// sequence whose versions only grow. It goes on from a State. Start at Open.
package source
