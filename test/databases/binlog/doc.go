// Package binlog tests the reader of the binlog against real MariaDB servers, which it starts: what it tells is what SELECT
// says, and each row comes once and in order, whatever breaks.
package binlog
