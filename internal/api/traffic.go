package api

import (
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/protocol"
)

// Inside is what parts of the node that the APIs do not use tell of themselves, each when it is asked. A nil function
// tells nothing.
type Inside struct {
	Traffic func() Traffic
	Syncer  func() commitlog.SyncerView
	// Waiting is how many requests wait for the controller of this process, and how many messages for raft.
	Waiting func() (requests, deliveries int)
	// Lease is how long this broker may count on what it knows, if no controller answers; needed is false if nobody else can be the
	// controller. See metadata.Lease.
	Lease func() (left time.Duration, needed bool)
}

// Traffic is the connections and the requests on their way at one moment.
type Traffic struct {
	Listeners map[string]int // connections by the listener that they came in by
	Paused    int            // connections that are not read from, for want of room

	Accepted, Refused, Failed          int64 // connections, since the start
	Total, RequestBytes, ResponseBytes int64 // since the start

	BytesInFlight, BytesInFlightMax int64 // memory that requests hold, and may hold; 0 is no limit

	Requests map[protocol.Key]UnderWay
}

// UnderWay is the requests of one API that are not answered, by stage.
type UnderWay struct {
	Queued  int // read, and not started: an earlier one of the connection has to end first
	Waiting int // started, and not ended
	Ended   int // ended, and the answer waits for that of an earlier one
	Oldest  time.Duration
}
