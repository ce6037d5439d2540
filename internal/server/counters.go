package server

import "sync/atomic"

// Counters is what the server counts, for metrics. Each may be read at any time.
type Counters struct {
	ConnectionsOpen     atomic.Int64
	ConnectionsAccepted atomic.Int64
	ConnectionsRefused  atomic.Int64 // over a limit
	ConnectionsFailed   atomic.Int64 // closed for what the peer did: hostile frames, too slow
	ConnectionsIdle     atomic.Int64 // closed for connections.max.idle.ms
	AcceptErrors        atomic.Int64
	Requests            atomic.Int64
	RequestBytes        atomic.Int64
	ResponseBytes       atomic.Int64
	SentFromFiles       atomic.Int64 // bytes of ResponseBytes that went out by sendfile
	WritesInline        atomic.Int64 // flushes by the goroutine that completed an answer
	WritesDrained       atomic.Int64 // flushes that needed a goroutine of their own
}
