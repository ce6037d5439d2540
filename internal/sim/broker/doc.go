// Package broker is what the simulated brokers of a run have in common: Link, a broker's end of a connection, which keeps
// requests in order as package server does, and Groups, which drives the decisions of package group over partitions as
// package coordinator does with goroutines. Everything else of a broker is the real thing, put together by packages onenode
// and cluster.
//
// Start with Process.
package broker
