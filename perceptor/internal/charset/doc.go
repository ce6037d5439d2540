// Package charset turns the texts of a binlog into UTF-8. It knows the charsets of MySQL and MariaDB and which of them a
// collation's number stands for. It is pure, and safe for concurrent use.
//
// A byte that means nothing in its charset is an error: a text is told as it is or not at all.
package charset
