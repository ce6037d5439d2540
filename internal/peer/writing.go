package peer

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Bounds on the memory for what is written.
const (
	batchBytesMax = 64 << 10  // after so much no more requests join one write
	outBytesKept  = 256 << 10 // memory above it is let go
)

// write sends what waits, as much as there is with each call, until the connection ends, and returns why.
func (c *connection) write() error {
	for {
		batch, unfit, err := c.collect()
		for _, u := range unfit {
			u.request.done(nil, 0, u.err)
		}
		if err != nil {
			return err
		}
		if len(batch) > 0 {
			if n, err := c.conn.Write(c.out.Bytes()[:batch[len(batch)-1].end]); err != nil {
				c.notSent(batch, n)
				return err
			}
		}
		if len(batch) > 0 || len(unfit) > 0 {
			continue
		}
		select {
		case <-c.wake:
		case <-c.ended:
			return c.cause
		}
	}
}

// written is a request whose frame ends at this byte of a batch.
type written struct {
	request *request
	end     int
}

// refused is a request that cannot be sent.
type refused struct {
	request *request
	err     error
}

// collect encodes requests for one write, moves them into flight, and marks them as sent. Each is encoded without the
// lock: those who ask must not wait for a large one.
func (c *connection) collect() (batch []written, unfit []refused, err error) {
	if c.out.Cap() > outBytesKept {
		c.out = protocol.Writer{}
	}
	c.out.Reset()
	for c.out.Len() < batchBytesMax {
		r, refusal, err := c.take()
		if refusal != nil {
			unfit = append(unfit, refused{r, refusal})
			continue
		}
		if r == nil || err != nil {
			c.sent(batch)
			return batch, unfit, err
		}
		before := c.out.Len()
		c.encode(r)
		if size := c.out.Len() - before - 4; size > c.peer.config.FrameBytesMax {
			unfit = append(unfit, refused{c.untake(), c.tooLarge(r, size)})
			break // its bytes stand in out behind those that are sent
		}
		batch = append(batch, written{r, c.out.Len()})
	}
	c.sent(batch)
	return batch, unfit, nil
}

// take moves the next request into flight, if there is one and there is room. With refusal the request is out of the
// queue and cannot be sent; err ends the connection.
func (c *connection) take() (r *request, refusal, err error) {
	p := c.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue.len() == 0 || p.flight.len() >= p.config.InFlightMax {
		return nil, nil, nil
	}
	now := time.Now()
	if p.flight.len() == 0 && now.Sub(c.used) > p.config.IdleMax {
		return nil, nil, errIdle
	}
	c.used = now
	r = p.queue.pop()
	if r.version, refusal = c.versions.choose(p.config.Node, r.message.Key(), r.version); refusal == nil {
		p.flight.push(r)
	}
	return r, refusal, nil
}

// untake takes the request back that take gave.
func (c *connection) untake() *request {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	c.last--
	return c.peer.flight.unpush()
}

func (c *connection) tooLarge(r *request, size int) error {
	return unfit(protocol.MessageTooLarge, "%s is not sent to %s: it has %d bytes, more than %d",
		r.message.Key(), c.peer.config.Node, size, c.peer.config.FrameBytesMax)
}

// sent marks a batch as sent: from now on the other node may see it.
func (c *connection) sent(batch []written) {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	for _, w := range batch {
		w.request.sent = true
	}
}

// notSent takes the mark from those whose last byte did not leave.
func (c *connection) notSent(batch []written, n int) {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	for _, w := range batch {
		w.request.sent = w.end <= n
	}
}
