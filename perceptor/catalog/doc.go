// Package catalog tells what tables of MySQL and MariaDB are now, as information_schema has them: exact types, signs, lengths,
// charsets, members and keys, in the form in which package binlog tells tables. It knows what a binlog does not say: which text of
// MariaDB is JSON, which bytes are a UUID or an address, how many digits a time of MariaDB's old format has.
//
// It tells the columns that rows in the binlog have, in their order: generated and invisible ones are among them, and on MariaDB those
// that a server adds by itself and shows nowhere: row_start and row_end of a table with system versioning, DB_ROW_HASH_1 of a
// unique key that is a hash.
//
// Of a member's name, a character outside of Unicode's first 65,536 comes as a question mark: MariaDB tells it nowhere but in the binlog.
//
// It needs the right SELECT on the tables. MariaDB is read from 10.5.10 on. It holds no state; see package schema for what tables
// were before.
package catalog
