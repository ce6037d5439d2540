// Package mysql writes changes into MySQL and MariaDB so that an older change never overwrites a newer one.
//
// A batch is one transaction at READ COMMITTED. If its rows are as their changes foretell, the server compares their versions in the statement
// that writes them (foretold.go). Otherwise the versions are read and locked, change.Judge decides about each, and what it lets
// through is written with many rows in a statement. A row that is not there yet cannot be locked: it is inserted without ON
// DUPLICATE KEY UPDATE, so of two writers the second is told, and looks again. That also keeps MySQL from updating another row
// that has the same value of a second unique key. docs/adr/0011-mysql-sink.md says why.
//
// The version is in columns of the row, or in a table beside it (Layout). Of a deleted row the version stays, so that a
// late older change does not bring it back.
//
// Truncates are applied and writers of a past generation of a consumer group are refused if the Config names tables for that.
//
// Start at Open and Sink.Apply.
package mysql
