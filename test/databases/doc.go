// Package databases tests against real databases what skein writes to them: MariaDB and Apache HBase, which it starts, and SQLite, in
// the process. The tests of HBase want a JDK and Maven; the server is fetched and started by the first of them.
//
// It is a module of its own because their drivers are no part of skein. `make databases` runs it.
package databases
