package group

import "github.com/skein-io/skein/internal/protocol"

// Static members (KIP-345): a member with a group.instance.id keeps its place, and its assignment, across restarts.

// replaceStatic is S1: a client with a known instance id comes without a member id, so it was restarted. It takes the
// old one's place, and whatever the old one has parked is fenced.
func (s *Shard) replaceStatic(g *group, old *member, e *Join, id string) {
	before := g.leader
	fenced := protocol.Fail(protocol.FencedInstanceID, "group.instance.id %q of group %q belongs to %q now", old.instance, g.id, id)
	s.unpark(g, old, fenced)
	s.cancel(SessionTimer, g, old.id)
	was := *old
	m := s.swap(g, old, id)
	s.note(MemberReplaced, g, id, reason{what: Replaced, ours: "it takes the place of " + old.id + ", which has the same group.instance.id " + old.instance, clients: e.Reason})
	s.update(g, m, e)
	s.restartSession(g, m)
	switch {
	case g.state == Stable && g.vote() == g.protocol:
		s.keepGeneration(g, m, &was, before, e)
	case g.state == PreparingRebalance:
		s.maybeEndJoin(g)
	case g.state == CompletingRebalance:
		// S4: the leader may have been told of the old id, so its assignment would name nobody.
		s.prepare(g, id, reason{what: Replaced, ours: "a static member came back before the assignment", clients: e.Reason})
	default:
		s.prepare(g, id, reason{what: Replaced, ours: "a static member came back with other assignors", clients: e.Reason})
	}
}

// swap puts a new member with another id in the place of one.
func (s *Shard) swap(g *group, old *member, id string) *member {
	m := new(member)
	*m = *old
	m.id, m.isNew, m.beat = id, false, beat{}
	g.members.replace(old, m)
	g.static[m.instance] = id
	if g.leader == old.id {
		g.leader = id
	}
	return m
}

// keepGeneration is S2: the generation stays, and the member's new id is written before anybody is told.
func (s *Shard) keepGeneration(g *group, m *member, was *member, leaderBefore string, e *Join) {
	v := g.value()
	seq := s.append(Record{Kind: GroupStored, Group: g.id, Value: v})
	s.writeDiary(g, v)
	s.await(wait{seq: seq, kind: waitReplaced, group: g, generation: g.generation, member: m.id, was: was,
		leader: leaderBefore, skips: e.SupportsSkippingAssignment})
}

// replaced is the end of keepGeneration. If the group moved on, the member waits with the others.
func (s *Shard) replaced(w *wait, err *protocol.Error) {
	g, m := w.group, w.group.members.get(w.member)
	if m == nil || g.state != Stable || g.generation != w.generation {
		return
	}
	if err != nil {
		s.putBack(g, m, w, err)
		return
	}
	token := m.join
	if token == 0 {
		return
	}
	g.park(m, 0)
	r := &JoinReply{Generation: g.generation, ProtocolType: g.protocolType, Protocol: g.protocol, MemberID: m.id}
	if w.skips {
		r.Leader = g.leader
		if g.leader == m.id {
			r.Members, r.SkipAssignment = g.joinMembers(), true
		}
	} else {
		// Below v9 a leader could not be told to leave the assignment alone, so it is told that another one leads.
		r.Leader = w.leader
	}
	s.reply(token, r)
	s.restartSession(g, m)
}

// putBack is S3.
func (s *Shard) putBack(g *group, m *member, w *wait, err *protocol.Error) {
	if token := m.join; token != 0 {
		g.park(m, 0)
		s.reply(token, &JoinReply{Err: err, Generation: g.generation, ProtocolType: g.protocolType, Protocol: g.protocol, Leader: w.leader})
	}
	s.unpark(g, m, err)
	s.cancel(SessionTimer, g, m.id)
	g.count(m, -1)
	old := s.swap(g, m, w.was.id)
	old.protocols, old.rebalanceTimeout, old.sessionTimeout = w.was.protocols, w.was.rebalanceTimeout, w.was.sessionTimeout
	g.count(old, +1)
	s.restartSession(g, old)
}
