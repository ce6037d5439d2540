package peer

import (
	"context"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Peer is the way to one node. Its methods may be called concurrently.
//
// One goroutine connects and writes, and one reads, for as long as there is a connection; without one, and with nothing
// that waits, there is none. When a connection ends, the requests that were sent on it fail and the others wait for the
// next one, which is made at once if this one has ever answered a request. When an attempt to connect fails, all that
// waits fails with it; what is asked after that waits for the next attempt.
type Peer struct {
	config  Config
	address func() (string, bool)

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	queue    fifo        // not sent
	flight   fifo        // sent or about to be, in the order of their ids
	open     *connection // nil without one
	running  bool        // a goroutine connects and writes
	closed   bool
	retired  bool
	failures int       // attempts and connections in a row that brought no answer
	pause    time.Time // no attempt before it
	timer    *time.Timer
	armed    bool // timer will fire
}

// Done takes the response to a request and the version in which it came, or the error: a protocol.Error, of which
// errors.Is(err, ErrNotSent) says whether the request may be sent elsewhere without a second thought. It is called exactly
// once, from any goroutine, perhaps before Ask returns. It must not wait, and not call Close.
type Done func(response protocol.Message, version int16, err error)

// New makes a Peer. address says where the node is now, and false if nobody knows; it is asked before each attempt to
// connect. Close must be called.
func New(address func() (string, bool), c Config) *Peer {
	p := &Peer{config: c.completed(), address: address}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.timer = time.AfterFunc(time.Hour, p.expire)
	p.timer.Stop()
	return p
}

// Ask sends a request at the highest version that both nodes know. The request must not change until done is called. The
// response's byte fields alias a buffer that is reused when done has returned.
//
// Errors: UNSUPPORTED_VERSION if the nodes have no version of the API in common, THROTTLING_QUOTA_EXCEEDED if too many
// requests wait, MESSAGE_TOO_LARGE, BROKER_NOT_AVAILABLE without an address, NETWORK_EXCEPTION if there is no connection or
// it ended, REQUEST_TIMED_OUT.
func (p *Peer) Ask(request protocol.Message, done Done) { p.ask(request, highest, false, done) }

// AskVersion is Ask in exactly this version, which must be one of the request's type.
func (p *Peer) AskVersion(request protocol.Message, version int16, done Done) {
	p.ask(request, version, false, done)
}

// AskOwn is AskVersion with a response that shares no memory with anything, so that it may be kept.
func (p *Peer) AskOwn(request protocol.Message, version int16, done Done) {
	p.ask(request, version, true, done)
}

// Call is Ask for those who wait. The response is the caller's own. When ctx ends first, the request may still be carried
// out, and must not change for RequestTimeout.
func (p *Peer) Call(ctx context.Context, request protocol.Message) (protocol.Message, error) {
	type answer struct {
		response protocol.Message
		err      error
	}
	answers := make(chan answer, 1)
	p.ask(request, highest, true, func(response protocol.Message, _ int16, err error) { answers <- answer{response, err} })
	select {
	case a := <-answers:
		return a.response, a.err
	case <-ctx.Done():
		return nil, protocol.Fail(protocol.RequestTimedOut, "%s has not answered %s yet: %w", p.config.Node, request.Key(), context.Cause(ctx))
	}
}

func (p *Peer) ask(message protocol.Message, version int16, own bool, done Done) {
	r := &request{message: message, version: version, own: own, done: done, deadline: time.Now().Add(p.config.RequestTimeout)}
	if err := p.enqueue(r); err != nil {
		done(nil, 0, err)
	}
}

func (p *Peer) enqueue(r *request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return p.lost(r, errClosed, false)
	case p.retired:
		return p.lost(r, errRetired, false)
	case p.queue.len() >= p.config.QueueMax:
		return unfit(protocol.ThrottlingQuotaExceeded, "%s is not sent to %s: %d requests wait already",
			r.message.Key(), p.config.Node, p.queue.len())
	}
	p.queue.push(r)
	p.arm(r.deadline)
	switch {
	case p.open != nil:
		p.open.nudge()
	case !p.running:
		p.running = true
		p.work.Go(p.run)
	}
	return nil
}

// arm makes the timer fire at the deadline unless it fires sooner.
func (p *Peer) arm(deadline time.Time) {
	if !p.armed && !p.closed {
		p.armed = true
		p.timer.Reset(time.Until(deadline))
	}
}

// expire fails the requests whose time is over. If one of them was sent, the connection ends: perhaps nobody is at the
// other end.
func (p *Peer) expire() {
	now := time.Now()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.work.Add(1)
	defer p.work.Done()
	p.armed = false
	var silent *connection
	if p.flight.len() > 0 && !p.flight.head().deadline.After(now) {
		silent = p.open
	}
	var late []*request
	for p.queue.len() > 0 && !p.queue.head().deadline.After(now) {
		late = append(late, p.queue.pop())
	}
	switch {
	case p.flight.len() > 0 && silent == nil:
		p.arm(p.flight.head().deadline)
	case p.queue.len() > 0:
		p.arm(p.queue.head().deadline)
	}
	p.mu.Unlock()
	if silent != nil {
		silent.end(errSilent)
	}
	for _, r := range late {
		r.done(nil, 0, p.late(r, false))
	}
}

// Retire takes no more requests and fails those that were not sent. Those that were may still be answered until Close.
func (p *Peer) Retire() {
	p.mu.Lock()
	p.retired = true
	waiting := p.queue.takeAll()
	p.mu.Unlock()
	for _, r := range waiting {
		r.done(nil, 0, p.lost(r, errRetired, false))
	}
}

// Close ends the connection and fails all that waits. When it returns no goroutine is left and every done has been called.
// It returns nil.
func (p *Peer) Close() error {
	p.mu.Lock()
	p.closed = true
	p.timer.Stop()
	p.mu.Unlock()
	p.cancel()
	p.work.Wait()
	p.mu.Lock()
	waiting := p.queue.takeAll()
	p.mu.Unlock()
	for _, r := range waiting {
		r.done(nil, 0, p.lost(r, errClosed, false))
	}
	return nil
}
