// Package databases tests against real databases what skein writes to them: MariaDB, which it starts, and SQLite, in the process.
// It is a module of its own because their drivers are no part of skein. `make databases` runs it.
package databases
