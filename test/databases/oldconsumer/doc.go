// Package oldconsumer tests the way out of Kafka's old consumers on a real ZooKeeper: trees as Kafka 0.8 left them are built there,
// `skein group import-zookeeper` carries their offsets to a real skein and a real Apache Kafka, and consumers go on from them. And it
// lets the bench's old consumers loose on the same ZooKeeper. ZooKeeper and Kafka want a JDK and Maven.
package oldconsumer
