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
// claims alone cannot use the budget up, and each part must come in its own time. For one that has, the bytes go
// straight to their place. timed says whether the parts have a time at all: the first frame has the handshake's.
func (c *conn) readBody(length int, timed bool) ([]byte, error) {
	size := min(length, max(c.trust, trustBytesMin))
	if !c.server.budget.acquire(int64(size), c.done) {
		return nil, errStopped
	}
	b, filled := c.server.buffers.get(size), 0
	limit := c.server.limits().stallLimit(int64(size))
	for {
		if timed {
			c.setReadDeadline(time.Now().Add(limit))
		}
		if err := c.frames.body(b[filled:]); err != nil {
			c.server.giveBack(b)
			return nil, err
		}
		if filled = len(b); filled == length {
			c.trust = max(c.trust, length)
			return b, nil
		}
		bigger, err := c.grow(b, length)
		if err != nil {
			c.server.giveBack(b)
			return nil, err
		}
		limit = c.server.limits().growthLimit(int64(len(bigger)-len(b)), len(bigger) > 2*len(b))
		b = bigger
	}
}

// grow moves b to a buffer of twice its size, or of all of length if that is the way out of everybody waiting for each
// other. It waits only so long.
func (c *conn) grow(b []byte, length int) ([]byte, error) {
	timer := time.NewTimer(c.server.limits().StallTimeout)
	defer timer.Stop()
	own := int64(len(b))
	got, ok := c.server.budget.grow(min(int64(length), 2*own)-own, int64(length)-own, own, c.done, timer.C)
	if !ok {
		return nil, &peerFault{"too much in flight", errNoMemory}
	}
	bigger := c.server.buffers.get(int(own + got))
	copy(bigger, b)
	c.server.buffers.put(b)
	return bigger, nil
}

// giveBack returns a frame's memory, and its share of the budget.
func (s *Server) giveBack(frame []byte) {
	s.buffers.put(frame)
	s.budget.release(int64(len(frame)))
}
