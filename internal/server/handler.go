package server

import (
	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// Handler knows what requests mean. Its methods are called concurrently for different connections.
type Handler interface {
	// Row says when a request of the API may start. ok is false for an API or a version that is not served, which
	// closes the connection, as in Kafka. It is not asked for an ApiVersions of an unknown version. It may wait: nothing is
	// read from the connection meanwhile.
	Row(client *api.Client, key protocol.Key, version int16) (stage api.Stage, ok bool)
	// Start begins a request, in the ordered stage: for one connection it is called in request order, by one goroutine
	// at a time. It may append, but it never waits. It ends the call now or lets somebody do so later.
	Start(call *api.Call)
	// UnsupportedVersion is the answer to an ApiVersions request of an unknown version: error 35 and the versions that
	// are served. It is sent as version 0.
	UnsupportedVersion() protocol.Message
}

// SlowHandler is a Handler that cannot answer everybody yet.
type SlowHandler interface {
	Handler
	// Ready is closed when requests of this API by this client may be looked at; nil is now. Until then the connection stands
	// and nothing more is read from it.
	Ready(client *api.Client, key protocol.Key) <-chan struct{}
}

// EndHandler is a Handler that wants to know of connections that end.
type EndHandler interface {
	Handler
	// Ended is called once for a connection, when nothing is read from it or sent to it any more, with the Client of the
	// latest request. It does not wait.
	Ended(client *api.Client)
}
