package ensemble

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// end forgets a connection. What was asked on it and has not come yet never will.
func (l *link) end() {
	l.conn.OnFrame, l.conn.OnClose = nil, nil
	if l.session != nil && l.session.on == l {
		l.session.on = nil
	}
	l.server.links = slices.DeleteFunc(l.server.links, func(other *link) bool { return other == l })
}

func (l *link) receive(message any) {
	e := l.server.ensemble
	if m, ok := message.(hello); ok {
		l.greet(m)
		return
	}
	if l.session == nil || l.session.on != l || e.sessions[l.session.id] != l.session {
		l.conn.Close() // it has expired, or the client has moved to another server
		l.end()
		return
	}
	e.touch(l.session)
	r, ok := message.(*member.Request)
	if !ok {
		l.send(pong{})
		return
	}
	seen := l.server.tree
	if r.Kind == member.Multi || r.Kind == member.Sync {
		seen = e.committed
	}
	a := e.answer(r, seen, l.session.id)
	if r.Kind == member.Multi || r.Kind == member.Sync {
		l.server.catchUp() // what the write has changed, and whatever was before it: watches fire first
	}
	if r.Watch && a.Code == member.OK {
		l.watches[watch{r.Path, r.Kind == member.Children}] = true
	}
	l.send(answer{a, l.server.seen()})
}

func (l *link) send(message any) { l.conn.Send(l.server.ensemble.put(message)) }

// greet begins or goes on with a session.
func (l *link) greet(m hello) {
	e := l.server.ensemble
	s := e.sessions[m.session]
	if s == nil {
		e.nextSession++
		s = &session{id: e.nextSession}
		e.sessions[s.id] = s
		m.watches = nil
	}
	if s.on != nil {
		s.on.conn.Close()
		s.on.end()
	}
	s.on, l.session = l, s
	e.touch(s)
	l.server.links = append(l.server.links, l)
	for l.server.seen() < m.seen { // a server that is behind the client does not take it
		l.server.catchUp()
	}
	l.send(welcome{s.id})
	for _, w := range m.watches {
		n := l.server.tree[w.path]
		if n == nil || !w.children && n.changed > m.seen || w.children && n.children > m.seen {
			l.send(fired{w})
		} else {
			l.watches[w] = true
		}
	}
}

// later has the server apply what there is, after a while.
func (s *server) later() {
	if s.due {
		return
	}
	s.due = true
	e := s.ensemble
	lag := e.rand.Between(0, 2*time.Millisecond)
	if e.rand.Chance(200) {
		lag = e.rand.Between(0, e.options.LagMax)
	}
	e.world.After(lag, func() {
		s.due = false
		s.catchUp()
	})
}

// seen is the last transaction that the server has applied.
func (s *server) seen() int64 { return int64(s.applied) }

// catchUp applies what is agreed upon, and fires watches.
func (s *server) catchUp() {
	for s.applied < len(s.ensemble.transactions) {
		x := s.ensemble.transactions[s.applied]
		s.applied++
		before := map[string]bool{}
		for _, c := range x.changes {
			before[c.path] = s.tree[c.path] != nil
		}
		s.tree.apply(x)
		for _, c := range x.changes {
			s.fire(watch{c.path, false})
			if c.node == nil {
				s.fire(watch{c.path, true})
			}
			if before[c.path] != (c.node != nil) || c.node == nil {
				s.fire(watch{parentOf(c.path), true})
			}
		}
	}
}

func (s *server) fire(w watch) {
	for _, l := range slices.Clone(s.links) {
		if l.watches[w] {
			delete(l.watches, w)
			l.send(fired{w})
		}
	}
}
