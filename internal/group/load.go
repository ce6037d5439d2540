package group

import (
	"slices"

	"github.com/skein-io/skein/internal/protocol"
)

// loaded builds the running groups of what Replay left (R4), and gives every member a fresh session (R5).
func (s *Shard) loaded() {
	for _, id := range s.offsetGroupIDs() {
		if s.groups[id] == nil {
			s.groups[id] = s.simple(id)
		}
	}
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		if g.stored != nil {
			g.restore()
		}
		for m := g.members.first; m != nil; m = m.next {
			s.restartSession(g, m)
		}
		if g.members.len() > s.cfg.SizeMax {
			s.prepare(g, "", reason{what: TooLarge, ours: "the group is larger than group.max.size, which was lowered"})
		}
		if g.stored == nil && g.diary != nil && s.isIdle(g) { // it was deleted, and not by skein
			s.set(IdleTimer, g, "", s.now)
		}
	}
	s.boundDiaries(nil, s.now)
	s.setCleanup()
}

// restore makes the group what its last record says: Stable with members, Empty without.
func (g *group) restore() {
	v := g.stored
	g.generation, g.protocolType, g.protocol, g.leader, g.stateTime = v.Generation, v.ProtocolType, v.Protocol, v.Leader, v.StateTime
	for i := range v.Members {
		mv := &v.Members[i]
		timeout := mv.RebalanceTimeout
		if timeout < 0 {
			timeout = mv.SessionTimeout
		}
		if g.members.get(mv.MemberID) != nil || mv.InstanceID != "" && g.static[mv.InstanceID] != "" {
			continue // a record that Kafka would not write
		}
		g.add(&member{
			id: mv.MemberID, instance: mv.InstanceID, clientID: mv.ClientID, clientHost: mv.ClientHost,
			rebalanceTimeout: timeout, sessionTimeout: mv.SessionTimeout,
			protocols: []Protocol{{Name: v.Protocol, Metadata: mv.Subscription}}, assignment: mv.Assignment,
		})
	}
	if g.members.len() > 0 {
		g.state = Stable
		if g.members.get(g.leader) == nil {
			g.leader = g.members.first.id
		}
	}
	g.learnTopics()
}

// unload answers everything that is parked (R6). Replies in Effects.Deferred are the driver's to refuse.
func (s *Shard) unload(e *Unload) {
	err := protocol.Fail(e.Code, "%s", e.Reason)
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		for m := g.members.first; m != nil; m = m.next {
			s.unpark(g, m, err)
		}
		g.to(Dead, s.now)
	}
	clear(s.groups)
	s.waits, s.ready, s.emitted, s.idle = nil, nil, nil, nil
	s.offsets = newOffsetStore()
	s.diaries = diaryList{}
}

// offsetGroupIDs are the ids of all groups with offsets, in order.
func (s *Shard) offsetGroupIDs() []string {
	ids := make([]string, 0, len(s.offsets.byGroup))
	for id := range s.offsets.byGroup {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
