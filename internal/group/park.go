package group

import "github.com/skein-io/skein/internal/protocol"

// unpark answers whatever a member has parked here, JoinGroup, SyncGroup or Heartbeat, with an error.
func (s *Shard) unpark(g *group, m *member, err *protocol.Error) {
	if token := m.join; token != 0 {
		g.park(m, 0)
		id := m.id
		if err.Code == protocol.UnknownMemberID || err.Code == protocol.GroupMaxSizeReached {
			id = "" // it must ask for a new one
		}
		s.reply(token, refuseJoin(id, err))
	}
	if token := m.sync; token != 0 {
		m.sync = 0
		s.reply(token, &SyncReply{Err: err})
	}
	s.release(g, m, err)
}

// drop removes a member, answers what it has parked and cancels its timers.
func (s *Shard) drop(g *group, m *member, err *protocol.Error) {
	s.unpark(g, m, err)
	s.cancel(SessionTimer, g, m.id)
	g.remove(m)
}

// forget removes a pending member.
func (s *Shard) forget(g *group, p *member) {
	s.cancel(SessionTimer, g, p.id)
	g.pending.remove(p)
}
