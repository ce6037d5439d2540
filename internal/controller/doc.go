// Package controller decides what becomes of topics, partitions, brokers, configuration and producer ids: requests in,
// records of the metadata log and answers out. It is a value: no clock, file, socket, lock or goroutine. Its driver is
// package quorum, which has the records agreed upon and made durable, and lets the answers out only then.
//
// It keeps one thing: the image of the cluster with everything that it has proposed, so that a second request sees what
// the first one will have done. It knows nothing of how a log is replicated, and it checks nobody's rights. Start with
// Controller.Step.
package controller
