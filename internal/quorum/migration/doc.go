// Package migration moves a cluster's metadata log from a ZooKeeper ensemble into a quorum of the nodes' own, while all nodes are
// stopped (ADR 16). Run turns the znodes into a file and marks them, Import takes the file into a node's data directory. Preview and
// Import with dry look and change nothing.
//
// It opens no session and elects nobody: requests go through a function, and what is planted is quorum.Seed's.
package migration
