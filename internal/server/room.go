package server

// waitForRoom waits until the connection may read another frame: it has fewer requests in flight than it may have, and
// at most one waits to be started. It returns false when no more is to be read.
func (c *conn) waitForRoom() bool {
	return c.waitFor(func() bool {
		return c.queue.len() < c.server.limits().InflightMax && c.queue.len()-c.next <= 1
	})
}

// waitForBytes waits until n more bytes fit, or nothing else is held.
func (c *conn) waitForBytes(n int64) bool {
	return c.waitFor(func() bool {
		return c.held == 0 || c.held+n <= c.server.limits().InflightBytesMax
	})
}

// waitFor waits until fits holds, which is asked with mu held.
func (c *conn) waitFor(fits func() bool) bool {
	c.mu.Lock()
	if !c.noMore && !fits() {
		c.mu.Unlock()
		c.flush(false) // what the reading side has put off, for now it will wait
		c.mu.Lock()
		c.waiting = true
		for !c.noMore && !fits() {
			c.room.Wait()
		}
		c.waiting = false
	}
	defer c.mu.Unlock()
	return !c.noMore
}

// makeRoom wakes the reading side if it waits. Called with mu held.
func (c *conn) makeRoom() {
	if c.waiting {
		c.room.Signal()
	}
}

// freed is called when n bytes of a frame are given back.
func (c *conn) freed(n int64) {
	c.mu.Lock()
	c.held -= n
	c.makeRoom()
	c.mu.Unlock()
}
