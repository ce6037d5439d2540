package server

import "github.com/skein-io/skein/internal/api"

// push puts a request that was read at the end of the queue. It returns false where no more is taken.
func (c *conn) push(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noMore {
		return false
	}
	r.number = c.arrived
	c.held += r.frameBytes
	c.queue.push(r)
	return true
}

// runStage starts the requests whose time has come, in their order, unless somebody does so already. It returns when
// none is left that may start now.
func (c *conn) runStage() {
	c.mu.Lock()
	for !c.starting {
		r := c.startable()
		if r == nil {
			break
		}
		c.next++
		c.running++
		c.starting, r.inStart = true, true
		c.mu.Unlock()
		if r.answer != nil {
			r.Reply(r.answer)
		} else {
			c.server.handler.Start(r.call)
		}
		c.mu.Lock()
		c.starting, r.inStart = false, false
	}
	c.mu.Unlock()
}

// startable is the next request if it may start: an overlapping one at once, a barrier when everything before it is
// completed. Behind a request that closes the connection nothing starts. Called with mu held.
func (c *conn) startable() *request {
	if c.broken || c.closing || c.next == c.queue.len() {
		return nil
	}
	r := c.queue.at(c.next)
	if r.stage == api.Barrier && c.running > 0 {
		return nil
	}
	return r
}

// complete is called when a request has its end. It sends what is due by that, and lets a barrier behind it start.
func (r *request) complete() {
	c := r.conn
	freed := r.freeFrame()
	r.freeMessage()
	c.mu.Lock()
	r.completed, r.ending = true, nil
	c.running--
	if freed {
		c.held -= r.frameBytes
	}
	if c.broken {
		c.mu.Unlock()
		r.release()
		return
	}
	c.held += r.memory
	if r.closes {
		c.closing = true
	}
	if !c.starting && c.startable() != nil {
		c.background(c.stageAndFlush)
	}
	due := c.queue.at(0) == r && !r.inStart
	c.makeRoom()
	c.mu.Unlock()
	if due {
		c.flush(r.fileBytes > inlineFileBytesMax)
	}
}

// stageAndFlush is for a goroutine that is not the reading one.
func (c *conn) stageAndFlush() {
	c.runStage()
	c.flush(false)
}
