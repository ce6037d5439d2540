// Package zookeeper tests skein's metadata quorum on a real ZooKeeper: alone, and as an ensemble of three. A JDK and Maven bring
// it, for the first test that needs it; without them the tests say so and skip.
//
// SKEIN_ZOOKEEPER_TIMES says how often the races and kills are repeated; they are few by default. docs/cluster.md says how
// often they were for a release.
package zookeeper
