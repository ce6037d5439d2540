package server

import (
	"errors"
	"time"
)

// trustBytesMin is the memory that a peer gets for a frame of which nothing has arrived yet.
const trustBytesMin = 64 << 10

var errNoMemory = errors.New("the requests in flight hold all of queued.max.request.bytes")

// readBody reads a frame of this length into borrowed memory that is counted in the server's budget. A length is only
// a claim: a peer that never sent a large frame gets memory as the bytes arrive, twice as much each time, so that
// claims alone cannot use the budget up. For one that has, the bytes go straight to their place.
func (c *conn) readBody(length int) ([]byte, error) {
	size := min(length, max(c.trust, trustBytesMin))
	if !c.server.budget.acquire(int64(size), 0, c.done, nil) {
		return nil, errStopped
	}
	b, filled := c.server.buffers.get(size), 0
	for {
		if err := c.frames.body(b[filled:]); err != nil {
			c.server.giveBack(b)
			return nil, err
		}
		if filled = len(b); filled == length {
			c.trust = max(c.trust, length)
			return b, nil
		}
		bigger, err := c.grow(b, min(length, 2*filled))
		if err != nil {
			c.server.giveBack(b)
			return nil, err
		}
		b = bigger
	}
}

// grow moves b to a buffer of size bytes. Because b is held meanwhile, two connections could wait for each other for
// ever: so it waits only so long.
func (c *conn) grow(b []byte, size int) ([]byte, error) {
	timer := time.NewTimer(c.server.limits().StallTimeout)
	defer timer.Stop()
	if !c.server.budget.acquire(int64(size-len(b)), int64(len(b)), c.done, timer.C) {
		return nil, &peerFault{"too much in flight", errNoMemory}
	}
	bigger := c.server.buffers.get(size)
	copy(bigger, b)
	c.server.buffers.put(b)
	return bigger, nil
}

// giveBack returns a frame's memory, and its share of the budget.
func (s *Server) giveBack(frame []byte) {
	s.buffers.put(frame)
	s.budget.release(int64(len(frame)))
}
