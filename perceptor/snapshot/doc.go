// Package snapshot reads the rows that tables have, in chunks by key, as they are at a known place in the binlog. It knows how far
// each table is, and nothing of the binlog's events: package source joins both. Start at Progress.
package snapshot
