// Package oldconsumer knows the consumer that Kafka had before it had group coordinators (0.8, "the high-level consumer"): how
// it keeps ids, owners and offsets in a tree of ZooKeeper, what its members decide, and how they rebalance.
//
//	/consumers/GROUP/ids/MEMBER                ephemeral; JSON: which topics it wants, and how many streams of each
//	/consumers/GROUP/owners/TOPIC/PARTITION    ephemeral; text: which stream of which member reads it
//	/consumers/GROUP/offsets/TOPIC/PARTITION   text: the offset of the next record to be read
//	/brokers/ids/BROKER                        ephemeral; JSON: where the broker is
//	/brokers/topics/TOPIC                      JSON: the partitions and their replicas
//
// It is pure: bytes of znodes, answers, notifications and the time go in, values and requests come out. It connects to nothing:
// package oldgroups reads a tree, package herd lets members loose on one. Start at Group for what is in a tree, at Member for
// who rebalances.
package oldconsumer
