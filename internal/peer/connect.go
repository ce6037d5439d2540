package peer

import (
	"context"
	"fmt"
	"math/bits"
	"time"
)

// run connects and writes until nothing waits any more and there is no connection.
func (p *Peer) run() {
	for p.wanted() {
		c, err := p.connect()
		if err != nil {
			p.attemptFailed(err)
			continue
		}
		p.serve(c)
	}
}

// wanted waits until the next attempt to connect may be made; false says that there is nothing to connect for.
func (p *Peer) wanted() bool {
	for {
		p.mu.Lock()
		pause := time.Until(p.pause)
		if p.closed || p.queue.len() == 0 {
			p.running = false
			p.mu.Unlock()
			return false
		}
		p.mu.Unlock()
		if pause <= 0 {
			return true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.ctx.Done():
		}
		timer.Stop()
	}
}

// connect makes a connection and learns what the other node can do.
func (p *Peer) connect() (*connection, error) {
	address, ok := p.address()
	if !ok {
		return nil, errNoAddress
	}
	deadline := time.Now().Add(p.config.ConnectTimeout)
	ctx, cancel := context.WithDeadline(p.ctx, deadline)
	defer cancel()
	conn, err := p.config.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := newConnection(p, conn, address)
	defer context.AfterFunc(p.ctx, func() { c.end(errClosed) })()
	if err := c.greet(deadline); err != nil {
		c.end(err)
		return nil, fmt.Errorf("%s: %w", address, c.cause)
	}
	p.config.Logger.Debug("connected to another node", "node", p.config.Node, "address", address)
	return c, nil
}

// attemptFailed fails all that waits: whoever asked may know another way.
func (p *Peer) attemptFailed(cause error) {
	p.mu.Lock()
	failures := p.failed()
	waiting := p.queue.takeAll()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		cause = errClosed
	} else if bits.OnesCount(uint(failures)) == 1 { // the first, second, fourth ...
		p.config.Logger.Warn("cannot connect to another node", "node", p.config.Node, "attempts", failures, "cause", cause)
	}
	for _, r := range waiting {
		r.done(nil, 0, p.lost(r, cause, false))
	}
}

// failed counts a failure and sets the pause after it. Called with mu held.
func (p *Peer) failed() int {
	p.failures++
	p.pause = time.Now().Add(p.config.backoff(p.failures))
	return p.failures
}
