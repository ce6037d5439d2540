// Package hbase writes changes of a database to Apache HBase so that an older change never wins, whatever the order in
// which they come and however often.
//
// The primary key is the row's key. Beside the data each row has, in family update_info, what change it is of:
//
//	update_info:execute_time   8 bytes: milliseconds since 1970
//	update_info:binlog_offset 16 bytes: file number, offset, row in the event
//	update_info:epoch          4 bytes: which server history the two are of
//	update_info:version       29 bytes: 0 (or 255: deleted), then epoch, execute_time and binlog_offset
//	update_info:deleted        1 byte, only there if the row is deleted
//
// All are big-endian, written together with the data in one mutation, and say the same. The server compares version, which
// holds the other three in the order that decides, with one condition that reads one column.
//
// It refuses to be told that a row is small enough to be read first: whether a change is written is decided by the server,
// with the row locked. Start reading at Sink.Apply; Sink.Adopt takes over a table that others have written,
// Sink.Truncate takes away all that is older than a truncate. Why it is done so is in docs/adr/0010-hbase.md.
package hbase
