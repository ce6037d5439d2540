// Package peertest is a node at the other end of a connection, in a test: it reads requests of Kafka's protocol from any
// net.Listener and gives them to a function, which answers when and what it wants, wrongly too.
//
// It refuses to know what a request means; ApiVersions alone it answers itself. Start with Serve.
package peertest
