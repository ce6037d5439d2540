// Package quorum is the machinery under the cluster's metadata: it has records agreed upon by the voters, keeps them in
// the metadata log, makes images of them, and runs the controller on the node that leads. What may happen is decided in
// package controller, what an image is is said in package metadata.
//
// The log is replicated by go.etcd.io/raft/v3; nothing outside this package knows that. Today a quorum has one voter, a
// node that leads as soon as it is open; the files, the entries and the state machine are those of a quorum of many. It
// opens no connection, and checks nobody's rights.
//
// Start with Open, then Node.run.
package quorum
