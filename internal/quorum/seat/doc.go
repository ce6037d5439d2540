// Package seat is what every form of the metadata quorum has in common on one node: the inbox of what waits for the node's
// goroutine, the controller with its timers and with those who wait for its answers, the flight recorder, and the images that
// subscribers are told of.
//
// It does not know how records are agreed upon: package quorum does that by raft, its folder zookeeper on a ZooKeeper ensemble.
package seat
