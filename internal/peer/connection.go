package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// connection is one connection while it lasts. Its requests stand in the Peer's flight.
type connection struct {
	peer     *Peer
	conn     net.Conn
	address  string
	versions versions
	answers  answers // of who reads
	out      protocol.Writer
	last     int32         // correlation id; of who writes
	used     time.Time     // when something was sent or came; guarded by the Peer's mu
	answered bool          // a request; guarded by the Peer's mu
	wake     chan struct{} // the Peer has something to write

	ending sync.Once
	ended  chan struct{}
	cause  error // set when ended is closed
}

func newConnection(p *Peer, conn net.Conn, address string) *connection {
	return &connection{peer: p, conn: conn, address: address, answers: newAnswers(conn, p.config.FrameBytesMax),
		wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// end closes the connection for the first cause that is given.
func (c *connection) end(cause error) {
	c.ending.Do(func() {
		c.cause = cause
		_ = c.conn.Close() // there is nobody to tell
		close(c.ended)
	})
}

// nudge wakes the writer.
func (c *connection) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it has not looked since the last time
	}
}

// serve uses a connection until it ends.
func (p *Peer) serve(c *connection) {
	p.mu.Lock()
	p.open, c.used = c, time.Now()
	p.mu.Unlock()
	defer context.AfterFunc(p.ctx, func() { c.end(errClosed) })()
	var reading sync.WaitGroup
	reading.Go(func() { c.end(c.read()) })
	c.end(c.write())
	reading.Wait()
	p.settle(c)
}

// settle fails the requests that were sent on a connection that has ended; those that were not stay.
func (p *Peer) settle(c *connection) {
	now := time.Now()
	p.mu.Lock()
	p.open = nil
	var sent, kept []*request
	for _, r := range p.flight.takeAll() {
		if r.sent {
			sent = append(sent, r)
		} else {
			kept = append(kept, r)
		}
	}
	retired := p.retired
	if !retired {
		p.queue.prepend(kept)
	}
	if p.queue.len() > 0 {
		p.arm(p.queue.head().deadline)
	}
	if !c.answered && !errors.Is(c.cause, errIdle) {
		p.failed()
	}
	closed := p.closed
	p.mu.Unlock()
	for _, r := range sent {
		err := p.lost(r, c.cause, true)
		if errors.Is(c.cause, errSilent) && !r.deadline.After(now) {
			err = p.late(r, true)
		}
		r.done(nil, 0, err)
	}
	if retired {
		for _, r := range kept {
			r.done(nil, 0, p.lost(r, errRetired, false))
		}
	}
	if closed {
		return
	}
	p.config.Logger.Info("the connection to another node ended", "node", p.config.Node, "address", c.address, "cause", c.cause)
	p.config.OnDown(c.cause)
}

// greet asks for the other node's versions, which is the first request of every connection.
func (c *connection) greet(deadline time.Time) error {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	hello := &request{message: Hello(c.peer.config.SoftwareVersion), version: helloVersion}
	c.encode(hello)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return err
	}
	frame, err := c.answers.next()
	if err != nil {
		return err
	}
	if id := idOf(frame); id != hello.id {
		return wrongID(id, hello)
	}
	message, err := decode(frame, protocol.KeyApiVersions, helloVersion)
	if err != nil {
		return err
	}
	if c.versions, err = versionsOf(message.(*protocol.ApiVersionsResponse)); err != nil {
		return err
	}
	return c.conn.SetDeadline(time.Time{})
}

// encode appends a request's frame to out.
//
//	length int32 | header: key int16, version int16, correlation id int32, client id, tags | body
func (c *connection) encode(r *request) {
	key, id := r.message.Key(), c.peer.config.ClientID
	c.last++
	r.id = c.last
	header := protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: r.version, CorrelationID: r.id, ClientID: &id}
	frame := c.out.BeginFrame()
	header.Encode(&c.out, protocol.HeaderVersion(key, r.version))
	r.message.Encode(&c.out, r.version)
	c.out.EndFrame(frame)
}

// read takes answers until the connection ends, and returns why.
func (c *connection) read() error {
	for {
		frame, err := c.answers.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("the other side has closed the connection: %w", err)
			}
			return err
		}
		r, err := c.match(idOf(frame))
		if err != nil {
			return err
		}
		if r.own {
			frame = append([]byte(nil), frame...)
		}
		response, err := decode(frame, r.message.Key(), r.version)
		if err != nil {
			r.done(nil, r.version, c.peer.lost(r, err, true))
			return err
		}
		r.done(response, r.version, nil)
	}
}

// match finds the request to which an answer belongs: the oldest one.
func (c *connection) match(id int32) (*request, error) {
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight.len() == 0 || !p.flight.head().sent {
		return nil, fmt.Errorf("an answer with correlation id %d came, and no request was open; what answers at %s is no node", id, c.address)
	}
	if head := p.flight.head(); head.id != id {
		return nil, wrongID(id, head)
	}
	if p.queue.len() > 0 {
		c.nudge() // there is room now
	}
	p.failures = 0
	c.answered, c.used = true, time.Now()
	return p.flight.pop(), nil
}

func wrongID(id int32, r *request) error {
	return fmt.Errorf("an answer with correlation id %d came where that of %s, %d, was due", id, r.message.Key(), r.id)
}
