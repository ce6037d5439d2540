// Package api is the table of Kafka's APIs and what each of them does: one file for each API, one row for each in
// Table. It turns messages into calls of the partitions, the group coordinator and the controller, and their answers
// into messages. It opens no socket (that is package server) and decides nothing that a pure package decides.
package api

import (
	"net/netip"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Stage says when a request may start, in relation to the earlier requests of its connection.
type Stage uint8

const (
	// Barrier starts when every earlier request of the connection has been answered, as in Kafka.
	Barrier Stage = iota
	// Overlaps starts as soon as every earlier request has started; answers still leave in request order.
	Overlaps
)

// Client is the other end of a connection.
type Client struct {
	ID              string // client id of the latest request; not checked, may be anything
	SoftwareName    string // from ApiVersions, "" before it
	SoftwareVersion string
	Address         netip.AddrPort
	Listener        string // name of the listener it came in by
	Principal       string // "User:ANONYMOUS" until authentication exists
	Away            *Away  // the connection's; nil is as good as one that nobody was sent away on
}

// Host is the client's address as Kafka prints it: "/127.0.0.1".
func (c *Client) Host() string { return "/" + c.Address.Addr().Unmap().String() }

// own says whether the client is one of skein's own programs, by the name it gave in ApiVersions.
func (c *Client) own() bool { return strings.HasPrefix(c.SoftwareName, "skein") }

// NodeSoftwareName is the name that the nodes of a cluster give themselves in ApiVersions.
const NodeSoftwareName = "skein-node"

// node says whether the client is another node of the cluster.
func (c *Client) node() bool { return c.SoftwareName == NodeSoftwareName }

// Call is one request on its way. Start runs in the ordered stage: for one connection one call at a time, in request
// order. It may append but never waits. Exactly one of Reply, Silent and Close ends the call, now or later, from any
// goroutine; a second end panics.
type Call struct {
	Key     protocol.Key
	Version int16
	Client  *Client
	// Arrived is a time of the monotonic clock: how long ago it was does not depend on who sets the wall clock.
	Arrived time.Time
	// Request is decoded; its byte fields alias the frame, which lives until the call ends or ReleaseFrame. It is nil
	// from then on.
	Request protocol.Message

	sink Sink
}

// Sink is the connection's end of a Call; package server implements it.
type Sink interface {
	Reply(protocol.Message)
	Silent()
	Close(reason string)
	OnLater(func())
	ReleaseFrame()
}

// EndingSink is a Sink whose connection can end before its calls do. One that cannot, such as a simulation's, need not
// be it.
type EndingSink interface {
	Sink
	OnEnding(func())
}

// NewCall makes a call whose end goes to sink.
func NewCall(sink Sink, key protocol.Key, version int16, client *Client, arrived time.Time, request protocol.Message) *Call {
	return &Call{Key: key, Version: version, Client: client, Arrived: arrived, Request: request, sink: sink}
}

// Reply ends the call with a response, which is encoded at once with the call's version.
func (c *Call) Reply(response protocol.Message) { c.sink.Reply(response) }

// Silent ends the call without a response (Produce with acks=0).
func (c *Call) Silent() { c.sink.Silent() }

// Close ends the call and the connection, after the earlier answers are flushed.
func (c *Call) Close(reason string) { c.sink.Close(reason) }

// OnLater asks for f to be called once, when a later request arrives on the connection or the connection ends. If
// that has happened already, f runs before OnLater returns. A held Heartbeat lets itself be answered by it.
func (c *Call) OnLater(f func()) { c.sink.OnLater(f) }

// OnEnding asks for f to be called once, if the client goes away or the node closes before the call has its end: nothing
// more is read from the connection then. If that has happened already, f runs before OnEnding returns. A Fetch that waits
// ends by it, for nobody may be there any more to wait for.
func (c *Call) OnEnding(f func()) {
	if sink, ok := c.sink.(EndingSink); ok {
		sink.OnEnding(f)
	}
}

// ReleaseFrame gives the bytes of the request back before the call ends. No byte field of Request may be read after it;
// Request itself is let go of, for its byte fields hold the memory of the frame.
func (c *Call) ReleaseFrame() {
	c.Request = nil
	c.sink.ReleaseFrame()
}
