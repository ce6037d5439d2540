package coordinator

// View is the loops of this node at one moment, counted.
type View struct {
	Active, Loading int // partitions of __consumer_offsets that this node coordinates, and those that it reads in
	Queue           int // events that wait for a loop
}

// View counts.
func (c *Coordinator) View() (v View) {
	for _, l := range c.allLoops() {
		switch status(l.status.Load()) {
		case active:
			v.Active++
		case loading:
			v.Loading++
		}
		l.inbox.mu.Lock()
		v.Queue += len(l.inbox.items)
		l.inbox.mu.Unlock()
	}
	return v
}
