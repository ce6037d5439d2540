// Package peer is the way from this node to another one: a connection that is made when it is needed, and requests of
// Kafka's protocol on it, many at a time, each answered once or failed with a reason.
//
// It refuses to repeat a request: whoever asked decides, and ErrNotSent says whether the other node may have seen it. It
// knows no API but ApiVersions, and not what the nodes are to each other. Nothing in it waits for ever: a request without
// an answer fails in time and takes the connection with it, because a link that is cut says nothing.
//
// Start with Peer.
package peer
