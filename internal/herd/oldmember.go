package herd

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/skein-io/skein/internal/herd/measure"
	"github.com/skein-io/skein/internal/oldconsumer"
)

// oldMember drives one oldconsumer.Member: one goroutine owns it, and everything comes to it as a function of the inbox.
type oldMember struct {
	number int
	side   *oldSide
	member *oldconsumer.Member
	conn   *zk.Conn
	link   *cuttable
	inbox  chan func()
	done   chan struct{} // closed when run has ended

	fx      oldconsumer.Effects
	session int64
	pending *oldconsumer.Request // that is not answered
	lost    bool                 // its connection is gone, and it waits for another
	wakes   map[oldconsumer.Timer]*time.Timer
	left    bool
}

// run takes events until ctx ends. Then everything it had is given up.
func (m *oldMember) run(ctx context.Context, events <-chan zk.Event) {
	defer close(m.done)
	defer m.conn.Close()
	m.wakes = map[oldconsumer.Timer]*time.Timer{}
	defer func() {
		for _, t := range m.wakes {
			t.Stop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			m.link.heal() // or Close waits for a connection
			return
		case f := <-m.inbox:
			f()
		case e, open := <-events:
			if !open {
				events = nil
			} else if e.State == zk.StateHasSession && !m.left {
				m.connected()
			}
		}
		if m.left {
			m.conn.Close()
		}
	}
}

// later gives the owner's goroutine something to do.
func (m *oldMember) later(f func()) {
	select {
	case m.inbox <- f:
	case <-m.done:
	}
}

// connected is a connection with a session, the old one or another.
func (m *oldMember) connected() {
	id := m.conn.SessionID()
	switch {
	case m.session == 0:
		m.session = id
		m.step(oldconsumer.SessionBegun{})
	case m.session != id:
		m.session, m.pending, m.lost = id, nil, false
		m.step(oldconsumer.SessionExpired{})
		m.step(oldconsumer.SessionBegun{})
	case m.lost && m.pending != nil:
		m.lost = false
		m.send(*m.pending)
	}
}

func (m *oldMember) step(event oldconsumer.Event) {
	if m.left {
		return
	}
	m.fx.Reset()
	m.member.Step(m.side.diary.now(), event, &m.fx)
	m.notes()
	for _, w := range m.fx.Wakes {
		if t := m.wakes[w.Timer]; t != nil {
			t.Stop()
		}
		timer := w.Timer
		m.wakes[timer] = time.AfterFunc(w.At-m.side.diary.now(), func() { m.later(func() { m.step(oldconsumer.Woken{Timer: timer}) }) })
	}
	if m.fx.Request != nil {
		m.pending = m.fx.Request
		m.send(*m.pending)
	}
}

// send asks in a goroutine of its own. The answer to what was asked in a session that is over is not taken.
func (m *oldMember) send(r oldconsumer.Request) {
	m.take(measure.Event{Kind: measure.Asked}, r.Op != oldconsumer.Set)
	session := m.session
	go func() {
		answer, fired, lost := m.side.do(m.conn, r)
		if fired != nil {
			go m.watch(r.Path, session, fired)
		}
		m.later(func() {
			switch {
			case m.session != session || m.left:
			case lost:
				m.lost = true
				if m.conn.State() == zk.StateHasSession && m.conn.SessionID() == m.session { // it is there again already
					m.connected()
				}
			default:
				m.pending = nil
				m.step(oldconsumer.Answered{Answer: answer})
			}
		})
	}()
}

// watch waits until a watch fires. One whose session ends does not.
func (m *oldMember) watch(path string, session int64, fired <-chan zk.Event) {
	select {
	case e := <-fired:
		if e.Type != zk.EventNodeChildrenChanged {
			return
		}
	case <-m.done:
		return
	}
	m.later(func() {
		if m.session == session && !m.left {
			m.take(measure.Event{Kind: measure.Notified}, true)
			m.step(oldconsumer.Notified{Path: path})
		}
	})
}

// leave ends it in good order.
func (m *oldMember) leave() {
	m.fx.Reset()
	for _, r := range m.member.Leave(m.side.diary.now(), &m.fx) {
		m.take(measure.Event{Kind: measure.Asked}, true)
		m.side.do(m.conn, r)
	}
	m.notes()
	m.left = true
}

func (m *oldMember) notes() {
	for _, n := range m.fx.Notes {
		kind, measured := kinds[n.Kind]
		if !measured {
			m.side.diary.touch()
			continue
		}
		m.take(measure.Event{Kind: kind, Partition: n.Partition, Offset: n.Offset, End: n.End}, kind != measure.Read)
	}
}

func (m *oldMember) take(e measure.Event, busy bool) {
	e.Member = m.number
	m.side.diary.take(e, busy)
}

var kinds = map[oldconsumer.NoteKind]measure.Kind{
	oldconsumer.Started: measure.Started, oldconsumer.Stopped: measure.Stopped, oldconsumer.Read: measure.Read,
	oldconsumer.Collided: measure.Collided, oldconsumer.GaveUp: measure.Failed,
}

// cuttable makes connections, which can be cut.
type cuttable struct {
	mu    sync.Mutex
	isCut bool
	conn  net.Conn
}

var errCut = errors.New("the link is cut")

func (c *cuttable) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, timeout)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isCut {
		_ = conn.Close()
		return nil, errCut
	}
	c.conn = conn
	return conn, nil
}

func (c *cuttable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

func (c *cuttable) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = false
}
