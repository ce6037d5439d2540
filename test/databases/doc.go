// Package databases tests against real databases what skein writes to them: MariaDB, which it starts, and SQLite, in the process.
// The real Debezium, which Maven brings, reads MariaDB too, and is what the envelope is compared with.
// It is a module of its own because their drivers are no part of skein. `make databases` runs it.
package databases
