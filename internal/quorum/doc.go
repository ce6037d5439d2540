// Package quorum is the machinery under the cluster's metadata: it has records agreed upon by the voters, keeps them in
// the metadata log, makes images of them, and runs the controller on the node that leads. What may happen is decided in
// package controller, what an image is is said in package metadata.
//
// The log is replicated by go.etcd.io/raft/v3; nothing outside this package knows that. A quorum of one voter leads as soon
// as it is open, and costs one sync for each round and no ticks; others can join it and vote. It opens no connection: a
// Transport carries its messages, and Receive takes them. It checks nobody's rights.
//
// Start with Open, then Node.run and Node.ready. Who the members are, and what keeps a change of them safe, is in
// membership.go; elections are in election.go.
package quorum
