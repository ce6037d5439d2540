package sim

import "slices"

// Conn is one end of a connection. Its callbacks run on its node; set them in accept or ready, before anything else
// happens. After the end of the connection nothing is called any more.
type Conn struct {
	OnFrame func(frame []byte) // a frame arrived whole; the callee keeps it
	OnClose func(err error)    // the other side closed (ErrClosed) or the connection broke (ErrReset, ErrTimeout)

	network *Network
	node    *Node
	life    int // of the node
	peer    *Conn
	out     *lane
	closed  bool
}

// pair makes a connection. Each end dies with its node, and the other hears of it if it can.
func (n *Network) pair(a, b *Node) (near, far *Conn) {
	near = &Conn{network: n, node: a, life: a.incarnation}
	far = &Conn{network: n, node: b, life: b.incarnation}
	near.peer, far.peer = far, near
	near.out, far.out = &lane{from: near}, &lane{from: far}
	n.conns = append(n.conns, near, far)
	n.watch(a)
	n.watch(b)
	return near, far
}

// Send puts a copy of a frame on its way. On an end that is closed nothing happens, as with a socket whose error the
// reader has not yet seen.
func (c *Conn) Send(frame []byte) {
	n := c.network
	switch {
	case c.closed:
	case len(c.out.queue) >= n.options.FramesMax || n.rand.Chance(n.options.ResetPerMille):
		c.Reset()
	default:
		c.out.push(item{frame: slices.Clone(frame)})
	}
}

// Close ends the connection after what was sent: the other side gets it, then ErrClosed.
func (c *Conn) Close() {
	if !c.closed {
		c.forget()
		c.OnFrame, c.OnClose = nil, nil
		c.out.push(item{end: ErrClosed})
	}
}

// Reset ends the connection at once: what is under way is lost, both sides get ErrReset.
func (c *Conn) Reset() {
	if !c.closed {
		c.leave(ErrReset)
		c.hear(ErrReset)
	}
}

// Peer is the name of the node at the other end.
func (c *Conn) Peer() string { return c.peer.node.name }

// leave closes this end silently and tells the other, which hears of it when the way is open.
func (c *Conn) leave(err error) {
	if c.closed {
		return
	}
	c.forget()
	c.out.queue = nil
	c.out.push(item{end: err})
}

// hear tells the owner of this end that the connection is over.
func (c *Conn) hear(err error) {
	c.forget()
	tell := func() {
		if c.OnClose != nil {
			onClose := c.OnClose
			c.OnFrame, c.OnClose = nil, nil
			onClose(err)
		}
	}
	c.network.world.After(0, func() { // an event of its own: the owner may be in the middle of Send
		if c.node.incarnation == c.life {
			c.node.Run(tell)
		}
	})
}

func (c *Conn) forget() {
	c.closed = true
	if i := slices.Index(c.network.conns, c); i >= 0 {
		c.network.conns = slices.Delete(c.network.conns, i, i+1)
	}
}

// lane is one direction of a connection: a queue whose head arrives next.
type lane struct {
	from    *Conn
	queue   []item
	moving  bool    // an arrival is scheduled
	waiting bool    // behind a cut; listed in Network.waiting
	giveUp  *Timer  // set while it waits
	newest  Instant // when the last item pushed arrives, so that order is kept
}

type item struct {
	frame []byte
	end   error // the connection ends here
	at    Instant
}

func (l *lane) push(i item) {
	n := l.from.network
	i.at = max(l.newest, n.world.now.Add(n.delay()))
	l.newest = i.at
	l.queue = append(l.queue, i)
	l.move()
}

// move schedules the arrival of the head.
func (l *lane) move() {
	if l.moving || l.waiting || len(l.queue) == 0 {
		return
	}
	l.moving = true
	l.from.network.world.At(l.queue[0].at, l.arrive)
}

// arrive hands over the head, or begins to wait if the way is cut.
func (l *lane) arrive() {
	n, to := l.from.network, l.from.peer
	l.moving = false
	if len(l.queue) == 0 {
		return // the connection was reset
	}
	if n.isCut(l.from.node.name, to.node.name) {
		l.waiting = true
		l.giveUp = n.world.After(n.options.StallMax, l.timeout)
		n.waiting = append(n.waiting, l)
		return
	}
	head := l.queue[0]
	l.queue = l.queue[1:]
	l.move()
	l.deliver(to, head)
}

func (l *lane) deliver(to *Conn, i item) {
	switch {
	case to.closed:
	case i.end != nil:
		to.hear(i.end)
	default:
		to.node.Run(func() {
			if to.OnFrame != nil {
				to.OnFrame(i.frame)
			}
		})
	}
}

// flow goes on after the cut was healed.
func (l *lane) flow() {
	l.waiting = false
	l.giveUp.Stop()
	l.move()
}

// timeout gives the connection up for the sender; the other end learns of it when the way is open again.
func (l *lane) timeout() {
	if !l.from.closed {
		l.from.leave(ErrTimeout)
		l.from.hear(ErrTimeout)
	}
}
