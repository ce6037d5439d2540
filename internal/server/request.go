package server

import (
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// request is one request on its way through a connection, and the api.EndingSink of its call.
type request struct {
	conn    *conn
	call    *api.Call
	answer  protocol.Message // an answer that needs no Start, or nil
	number  uint64           // of its frame, from 1
	key     protocol.Key
	version int16 // of the answer
	id      int32 // correlation id
	stage   api.Stage
	arrived int64 // nanoseconds since Server.began

	decoded    int64 // bytes that its message takes, as counted in the server's budget; 0 if they are few
	frameBytes int64
	frame      []byte // nil when it was given back: what the pool does not keep must not be kept by a request that waits
	frameFreed atomic.Bool
	ended      atomic.Bool // Reply, Silent or Close was called

	// Under conn.mu.
	inStart   bool // Start has not returned: who runs the stage flushes
	completed bool
	ending    func() // called when the connection reads no more, while the request is not completed

	// Set before completed, and then owned by who writes.
	closes    bool // the connection ends when this request's turn comes
	writer    *protocol.Writer
	segments  []protocol.Segment
	pieces    []piece
	one       [1]piece // the memory of pieces in the common case
	size      int64
	fileBytes int64
	memory    int64 // what writer holds, as counted in conn.held
}

// writersKept is the largest Writer that goes back to the pool.
const writersKept = 64 << 10

var writers = sync.Pool{New: func() any { return protocol.NewWriter(make([]byte, 0, 512)) }}

// Reply encodes the response and sends it when its turn comes.
func (r *request) Reply(response protocol.Message) {
	if r.ended.Swap(true) {
		panic("server: a second end of a " + r.key.String() + " request")
	}
	w := writers.Get().(*protocol.Writer)
	frame := w.BeginFrame()
	var header protocol.ResponseHeader
	header.CorrelationID = r.id
	header.Encode(w, protocol.ResponseHeaderVersion(r.key, r.version))
	response.Encode(w, r.version)
	w.EndFrame(frame)
	r.writer = w
	r.size = int64(w.Len())
	r.segments = w.Segments()
	r.pieces, r.fileBytes = appendPieces(r.one[:0], r.segments)
	r.memory = int64(w.Cap())
	r.complete()
}

// Silent completes the request without an answer.
func (r *request) Silent() {
	if r.ended.Swap(true) {
		panic("server: a second end of a " + r.key.String() + " request")
	}
	r.complete()
}

// Close completes the request, and with it the connection when everything before it is answered.
func (r *request) Close(reason string) {
	if r.ended.Swap(true) {
		panic("server: a second end of a " + r.key.String() + " request")
	}
	r.closes = true
	r.conn.server.log.warn("connection closed by a request", "client", r.conn.address.String(), "api", r.key.String(), "reason", reason)
	r.conn.stop(reason)
	r.complete()
}

// OnLater calls f when a later frame begins to arrive, or no more will.
func (r *request) OnLater(f func()) { r.conn.onLater(r, f) }

// OnEnding calls f when no more will be read from the connection.
func (r *request) OnEnding(f func()) { r.conn.onEnding(r, f) }

// ReleaseFrame gives the frame's memory back. Only the first call has an effect.
func (r *request) ReleaseFrame() {
	if r.freeFrame() {
		r.conn.freed(r.frameBytes)
	}
}

// freeFrame gives the memory back but leaves the connection's count to the caller.
func (r *request) freeFrame() bool {
	if r.frameFreed.Swap(true) {
		return false
	}
	frame := r.frame
	r.frame = nil
	r.conn.server.giveBack(frame)
	return true
}

// freeMessage lets go of the decoded request. Whoever completes the request calls it, or who drops one that never started.
func (r *request) freeMessage() {
	r.call = nil
	if r.decoded > 0 {
		r.conn.server.budget.release(r.decoded)
		r.decoded = 0
	}
}

// release gives everything back that the answer holds. It is called once, when the answer is sent or will not be.
func (r *request) release() {
	r.freeFrame()
	r.freeMessage()
	for _, s := range r.segments {
		if p, ok := s.Payload.(releaser); ok {
			p.Release()
		}
	}
	r.segments, r.pieces, r.one = nil, nil, [1]piece{}
	if w := r.writer; w != nil {
		r.writer = nil
		if w.Cap() <= writersKept {
			w.Reset()
			writers.Put(w)
		}
	}
}
