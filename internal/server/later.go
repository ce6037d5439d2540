package server

// laterCall is a function that is called when a frame after request number after has begun to arrive.
type laterCall struct {
	after uint64
	f     func()
}

// onLater asks for f to be called once, when a frame behind r begins to arrive or when nothing more will be read. If
// that has happened, f runs now.
func (c *conn) onLater(r *request, f func()) {
	c.mu.Lock()
	if c.arrived > r.number || c.noMore {
		c.mu.Unlock()
		f()
		return
	}
	c.later = append(c.later, laterCall{r.number, f})
	c.mu.Unlock()
}

// onEnding asks for f to be called once, if the connection comes to read no more before r is completed. If that has
// happened already, f runs now.
func (c *conn) onEnding(r *request, f func()) {
	c.mu.Lock()
	over := c.noMore && !r.completed
	if !over && !r.completed {
		r.ending = f
	}
	c.mu.Unlock()
	if over {
		f()
	}
}

// takeEnding takes what the requests that have started want to do when no more is read. It is called with mu held, and
// what it returns without.
func (c *conn) takeEnding() (ending []func()) {
	for i := range c.next {
		if r := c.queue.at(i); r.ending != nil {
			ending = append(ending, r.ending)
			r.ending = nil
		}
	}
	return ending
}

// frameBegins counts a frame and calls those who asked for it. That is before the frame has its memory: a request that
// is held until a later one arrives must not keep the later one from being read.
func (c *conn) frameBegins() {
	c.mu.Lock()
	c.arrived++
	later := c.takeLater()
	c.mu.Unlock()
	for _, f := range later {
		f()
	}
}

// takeLater takes all that wait for a later frame: whoever asked did so for a frame behind a request that has begun
// to arrive. It is called with mu held, and what it returns without.
func (c *conn) takeLater() []func() {
	if len(c.later) == 0 {
		return nil
	}
	later := make([]func(), len(c.later))
	for i := range c.later {
		later[i] = c.later[i].f
	}
	clear(c.later)
	c.later = c.later[:0]
	return later
}
