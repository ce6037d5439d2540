package server

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// conn is one connection. A goroutine reads it (read). Answers are written by whoever completes the one that is due
// next, as far as the socket takes them without waiting, and by a goroutine of their own from there on (flush).
//
// The invariants:
//   - queue holds the requests that are not answered, in request order; those from next on have not started.
//   - one goroutine at a time runs the ordered stage (starting), and one at a time writes (writing). Neither waits
//     for the other, and both let mu go while they work.
//   - an answer leaves queue for out when everything before it has left. out belongs to who has writing.
//   - once broken, nothing is sent any more, and every answer is released as soon as it is there.
type conn struct {
	server  *Server
	wire    wire
	address netip.AddrPort
	// listener is the name of the one it came in by.
	listener string
	ip       netip.Addr
	done     chan struct{} // closed when the connection is broken

	// The reading side's alone: who ends a connection does not look at them.
	frames    frames
	decoder   protocol.Reader
	client    *api.Client
	readFirst bool // the first frame was read
	trust     int  // length of the largest frame that was read

	lastActive atomic.Int64 // nanoseconds since Server.began, of the last frame or answer

	mu       sync.Mutex
	room     sync.Cond // with mu: a request was answered, or the connection is to end
	queue    ring
	next     int // index in queue of the first request that has not started
	running  int // requests that have started and not completed
	held     int64
	starting bool
	writing  bool
	closing  bool // a completed request closes the connection: nothing behind it starts
	last     bool // that request's turn has come
	out      []*request
	pieces   []piece // of out, less what was sent
	arrived  uint64  // frames that have begun to arrive
	later    []laterCall
	noMore   bool   // no frame is read any more; the connection ends when queue is empty
	why      string // why the connection ends, for the log
	answered bool   // with more than what ApiVersions asks for, which is not yet what a client came for
	theirs   bool   // the peer has ended it, or does not speak Kafka's protocol as it should
	broken   bool
	waiting  bool // the reading side waits for room

	piecesMemory []piece
}

func newConn(s *Server, w wire, address netip.AddrPort, listener string) *conn {
	c := &conn{
		server:   s,
		wire:     w,
		address:  address,
		listener: listener,
		ip:       address.Addr().Unmap(),
		done:     make(chan struct{}),
		frames:   frames{wire: w},
		client:   &api.Client{Address: address, Listener: listener, Principal: "User:ANONYMOUS", Away: new(api.Away)},
	}
	c.room.L = &c.mu
	c.touch()
	return c
}

func (c *conn) touch() { c.lastActive.Store(int64(time.Since(c.server.began))) }

// lastUsed is when the connection was last used: a time of the monotonic clock, which nobody sets.
func (c *conn) lastUsed() time.Time { return c.server.began.Add(time.Duration(c.lastActive.Load())) }

// idleSince is lastUsed, and false while a request is in flight.
func (c *conn) idleSince() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastUsed(), c.queue.len() == 0 && !c.writing && len(c.out) == 0 // while writing, out is not ours to look at
}

// end breaks the connection: the socket is closed, and what could not be sent is released. Only the first call has an
// effect. It may be called by anyone, without mu.
func (c *conn) end(why string) {
	c.mu.Lock()
	if c.broken {
		c.mu.Unlock()
		return
	}
	c.broken, c.noMore, c.why = true, true, why
	unheard := !c.theirs && !c.answered
	var left []*request
	if !c.writing {
		left, c.out = c.out, nil
	}
	ending := c.takeEnding()
	for c.queue.len() > 0 {
		r := c.queue.pop()
		switch {
		case c.next == 0: // not started: nobody else will complete it
			r.completed = true
			left = append(left, r)
		case r.completed:
			left = append(left, r)
			c.next--
		default: // started: it is released when it completes
			c.next--
		}
	}
	later := c.takeLater()
	c.room.Broadcast()
	c.mu.Unlock()
	close(c.done)
	if unheard {
		reset(c.wire)
	} else {
		_ = c.wire.Close()
	}
	for _, r := range left {
		r.release()
	}
	for _, f := range append(later, ending...) {
		f()
	}
}

// stop reads no more frames, and ends the connection when everything that was read is answered.
func (c *conn) stop(why string) {
	c.mu.Lock()
	if c.noMore {
		c.mu.Unlock()
		return
	}
	c.noMore, c.why = true, why
	later := append(c.takeLater(), c.takeEnding()...)
	c.room.Broadcast()
	_ = c.wire.SetReadDeadline(time.Unix(1, 0)) // wakes the reading side
	c.mu.Unlock()
	for _, f := range later {
		f()
	}
	c.flush(false)
}

// setReadDeadline sets it unless the connection reads no more, in which case the deadline that says so stands.
func (c *conn) setReadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.noMore {
		_ = c.wire.SetReadDeadline(t)
	}
}

// refuse logs what the peer did wrong and lets the connection end after the answers that are due.
func (c *conn) refuse(message string, args ...any) {
	c.server.Counters.ConnectionsFailed.Add(1)
	c.server.log.warn("connection closed: "+message, append([]any{"client", c.address.String(), "client id", c.clientID()}, args...)...)
	c.stop(message)
}

// clientID is the client id as a log line shows it.
func (c *conn) clientID() string {
	const shown = 100
	if id := c.client.ID; len(id) > shown {
		return id[:shown] + "..."
	}
	return c.client.ID
}

// background runs f in a goroutine that Close waits for. It is called with mu held and broken false: until a connection
// is broken its reading side runs, and so Close cannot have waited in vain.
func (c *conn) background(f func()) {
	c.server.goroutines.Go(f)
}
