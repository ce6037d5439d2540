// Package binlog reads the changes of a MySQL or MariaDB server out of its binlog, as a replica does: each row that was
// committed, once and in order, as a change.Change whose values are exact.
//
// It is the source's machinery. It keeps one connection, goes on at the last transaction's end when that breaks, and holds
// one event at a time, whatever the size of a transaction. It writes nothing, to no topic and to no database, and remembers nothing
// itself: whoever uses it keeps Reader.Position with what it has done, and starts there again.
//
// What bytes mean is decided in pure packages below internal: event, rows, binjson, charset, gtid, number. MariaDB is tested live.
// No MySQL 8 could be had: what is only MySQL's (caching_sha2_password, its GTIDs, binary JSON and its partial updates, compressed
// transactions) is tested with bytes made by its rules, not against a server.
//
// What a binlog does not have cannot be told: rows that InnoDB changes by ON DELETE CASCADE and ON UPDATE CASCADE are not logged, by either
// server. XA transactions are refused. What a TRUNCATE or another DDL does is told as its SQL.
//
// Start at Open and Reader.Next.
package binlog
