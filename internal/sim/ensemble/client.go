package ensemble

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/sim"
)

// Client is a process's way to the ensemble, as github.com/go-zookeeper/zk is one. It implements zookeeper.Asker.
type Client struct {
	// Change, if it is set, may change a request before it is sent: a bug that is planted.
	Change func(*member.Request) *member.Request

	ensemble *Ensemble
	machine  *sim.Node
	rand     *sim.Rand
	listen   func(member.Event)

	session int64
	seen    int64
	watches map[watch]bool
	conn    *sim.Conn
	ready   bool // it has a session on conn
	request *member.Request
	sent    bool // on conn
	closed  bool
	silent  *sim.NodeTimer // ends when nothing is heard for two thirds of the session's timeout
}

// NewClient makes a client of a process that lives on a machine. It connects when Listen is called.
func (e *Ensemble) NewClient(machine *sim.Node, rand *sim.Rand) *Client {
	return &Client{ensemble: e, machine: machine, rand: rand, watches: map[watch]bool{}}
}

// Listen implements zookeeper.Asker.
func (c *Client) Listen(listen func(member.Event)) {
	c.listen = listen
	c.dial()
	c.ping()
}

// Ask implements zookeeper.Asker.
func (c *Client) Ask(r *member.Request) {
	if c.request != nil {
		panic("ensemble: two requests at a time")
	}
	if c.Change != nil {
		r = c.Change(r)
	}
	c.request, c.sent = r, false
	c.flush()
}

// Close implements zookeeper.Asker: the session ends at once, if the ensemble can be told.
func (c *Client) Close() {
	c.closed = true
	if c.ready {
		if s := c.ensemble.sessions[c.session]; s != nil && !c.ensemble.network.IsCut(c.machine.Name(), Name) {
			c.ensemble.expired(s)
		}
		c.conn.Close()
	}
}

// Session is the client's session, 0 before the first.
func (c *Client) Session() int64 { return c.session }

// Reset ends the connection, if there is one: what is under way is lost.
func (c *Client) Reset() {
	if c.conn != nil {
		c.conn.Reset()
	}
}

func (c *Client) timeout() time.Duration { return c.ensemble.options.SessionTimeout }

func (c *Client) dial() {
	if c.closed {
		return
	}
	c.ensemble.network.Dial(c.machine, Address, func(conn *sim.Conn, err error) {
		if err != nil || c.closed {
			c.again()
			return
		}
		c.conn = conn
		conn.OnFrame = func(frame []byte) { c.receive(conn, c.ensemble.take(frame)) }
		conn.OnClose = func(error) { c.ended(conn) }
		m := hello{session: c.session, seen: c.seen}
		for w := range c.watches {
			m.watches = append(m.watches, w)
		}
		slices.SortFunc(m.watches, func(a, b watch) int {
			if a.path != b.path {
				return map[bool]int{true: -1, false: 1}[a.path < b.path]
			}
			return map[bool]int{true: 1, false: -1}[a.children]
		})
		conn.Send(c.ensemble.put(m))
		c.listening()
	})
}

// again dials again after a pause.
func (c *Client) again() {
	if !c.closed {
		c.machine.After(c.rand.Between(time.Millisecond, 300*time.Millisecond), c.dial)
	}
}

// listening gives the connection up when nothing comes for too long.
func (c *Client) listening() {
	if c.silent != nil {
		c.silent.Stop()
	}
	conn := c.conn
	c.silent = c.machine.After(c.timeout()*2/3, func() {
		if c.conn == conn && conn != nil {
			conn.Reset()
		}
	})
}

// ping keeps the session.
func (c *Client) ping() {
	c.machine.After(c.timeout()/3, func() {
		if c.closed {
			return
		}
		if c.ready {
			c.conn.Send(c.ensemble.put(ping{}))
		}
		c.ping()
	})
}

func (c *Client) ended(conn *sim.Conn) {
	if c.conn != conn || c.closed {
		return
	}
	was := c.ready
	c.conn, c.ready = nil, false
	if was {
		c.tellEnd()
	}
	if c.request != nil && c.sent {
		r := c.request
		c.request = nil
		c.tell(&member.Answer{ID: r.ID, Code: member.Lost, Text: "the connection has ended"})
	}
	c.again()
}

// tellEnd tells that there is no connection, at once or too late: what is asked until then waits for the next connection, in
// whatever session that is.
func (c *Client) tellEnd() {
	if c.rand.Chance(700) {
		c.tell(&member.Disconnected{})
		return
	}
	c.machine.After(c.rand.Between(0, time.Second), func() {
		if !c.ready {
			c.tell(&member.Disconnected{})
		}
	})
}

func (c *Client) tell(e member.Event) {
	if !c.closed {
		c.listen(e)
	}
}

func (c *Client) receive(conn *sim.Conn, message any) {
	if c.conn != conn || c.closed {
		return
	}
	c.listening()
	switch m := message.(type) {
	case welcome:
		if m.session != c.session {
			clear(c.watches)
			c.session, c.seen = m.session, 0
		}
		c.ready = true
		c.tell(&member.Connected{Session: c.session, Timeout: c.timeout()})
		c.flush()
	case fired:
		delete(c.watches, m.watch)
		c.tell(&member.Fired{Path: m.path})
	case answer:
		c.seen = max(c.seen, m.seen)
		r := c.request
		if r == nil || r.ID != m.ID {
			return
		}
		c.request = nil
		if r.Watch && m.Code == member.OK {
			c.watches[watch{r.Path, r.Kind == member.Children}] = true
		}
		c.tell(m.Answer)
	}
}

func (c *Client) flush() {
	if c.ready && c.request != nil && !c.sent {
		c.sent = true
		c.conn.Send(c.ensemble.put(c.request))
	}
}
