// Package services starts the brokers that the interop tests, the fault tests
// and the benchmarks run against: the skein binary and an Apache Kafka node;
// and a MariaDB, an Apache HBase and Apache ZooKeeper servers for those about databases.
//
// Everything listens on loopback only. A broker is one child process; it can
// be ended politely, killed with SIGKILL, and started again on the same data
// and the same port. Whatever is downloaded goes into Cache().
//
// The package refuses to judge a broker: it knows nothing of topics or groups.
// It uses the standard library only, so a clone needs nothing but Go, and for
// Apache Kafka, HBase and ZooKeeper a JDK and Maven, for MariaDB Debian's packages. Start reading at
// Broker.
package services
