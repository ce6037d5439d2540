package group

import "github.com/skein-io/skein/internal/protocol"

// restartSession gives a member its whole session timeout again.
func (s *Shard) restartSession(g *group, m *member) {
	s.set(SessionTimer, g, m.id, s.now.Add(m.sessionTimeout))
}

// sessionEnded is H2 and J5. A member with a parked request is not gone: its timer starts again with the answer.
func (s *Shard) sessionEnded(id, memberID string) {
	g := s.groups[id]
	if g == nil {
		return
	}
	if p := g.pending.get(memberID); p != nil {
		g.pending.remove(p)
		s.note(SessionExpired, g, memberID, reason{what: NotBack, ours: "it was given its id and did not come back"})
		s.endJoinEarly(g)
		return
	}
	m := g.members.get(memberID)
	if m == nil || m.heard() {
		return
	}
	s.note(SessionExpired, g, memberID, reason{what: Expired, ours: "nothing was heard of it for " + m.sessionTimeout.String()})
	s.drop(g, m, protocol.Fail(protocol.UnknownMemberID, "the session of member %q of group %q ended after %v", m.id, g.id, m.sessionTimeout))
	s.afterRemoval(g, memberID, reason{what: Expired, ours: "a member's session timed out"})
	s.endJoinEarly(g)
}

// afterRemoval goes on when members are gone from a group with an assignment.
func (s *Shard) afterRemoval(g *group, member string, why reason) {
	if g.state == Stable || g.state == CompletingRebalance {
		s.prepare(g, member, why)
	}
}
