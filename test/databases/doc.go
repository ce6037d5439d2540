// Package databases tests against real databases what skein writes to them and reads from them: MariaDB and Apache HBase, which it
// starts, and SQLite, in the process. The real Debezium reads MariaDB, too, and is what the envelope is compared with. Debezium and
// HBase want a JDK and Maven, which fetches them for the first test that needs them.
//
// Package zookeeper beside it tests skein's metadata on a real ZooKeeper.
//
// It is a module of its own because their drivers are no part of skein. `make databases` runs it.
package databases
