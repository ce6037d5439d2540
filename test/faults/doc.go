// Package faults tests the binary itself against what happens to processes: kill -9 under load, a second process on the same
// folder, a folder of another node, a full disk, too few file descriptors, foreign bytes, signals, and a disk whose syncs fail;
// and three processes that are one cluster, whose nodes are killed, stopped, cut off from each other, and lose their power. Most of
// that is done on raft and on ZooKeeper; there the servers of an ensemble of three are killed and cut off, too.
//
// It holds tests only, for Linux. They build the binary, run it on loopback or in network namespaces that they make, with its data
// in a temporary folder or on a file system of its own, and give what the clients saw to package check. The clients are franz-go
// and, where a C compiler finds it, librdkafka (native/client.c). No time decides a result; SKEIN_FAULTS_TABLE names a file for the
// times without service, and SKEIN_FAULTS_LOGS a folder for what the clients log.
//
// SKEIN_KILLS=n runs the longer faults too, and kills n times where a test is a loop. Namespaces and file systems need root;
// without it those tests say so and are left out. Apache ZooKeeper needs a JDK and Maven; its tests run with SKEIN_KILLS, and the short
// ones with SKEIN_FAULTS_ZOOKEEPER=1. Start with broker_test.go, then cluster_test.go and trial_test.go.
package faults
