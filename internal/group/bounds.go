package group

// What a stranger could make grow without end, and Kafka does not bound: ids of members that do not come back, and groups
// with nobody in them. Both cost nothing to ask for. Where there are too many the oldest goes; a client that it belongs
// to is told UNKNOWN_MEMBER_ID, and asks again as after any other loss of its place.

// makeRoom forgets the oldest pending member if there are as many as may be.
func (s *Shard) makeRoom(g *group) {
	for g.pending.len() >= max(s.cfg.PendingMax, 1) {
		oldest := g.pending.first
		s.note(MemberRemoved, g, oldest.id, reason{what: NotBack, ours: "too many members were given an id and did not come back"})
		s.forget(g, oldest)
	}
}

// noteIdle puts a group in which nobody is into the queue of those that go when there are too many. What has members or
// offsets when its turn comes is left alone: it comes again when its last member leaves. The group itself goes by a
// timer, an event of its own that rings at once, so that no event takes out another group than its own.
func (s *Shard) noteIdle(g *group) {
	if g.idle {
		return
	}
	g.idle = true
	s.idle = append(s.idle, g)
	for len(s.idle) > max(s.cfg.IdleGroupsMax, 1) {
		oldest := s.idle[0]
		s.idle[0] = nil
		s.idle = s.idle[1:]
		oldest.idle = false
		if s.groups[oldest.id] == oldest && s.isIdle(oldest) {
			s.set(IdleTimer, oldest, "", s.now)
		}
	}
}

// isIdle says whether the group holds nothing that anybody could miss.
func (s *Shard) isIdle(g *group) bool {
	return g.state == Empty && g.members.len() == 0 && s.offsets.present(g.id) == 0
}

func (s *Shard) idleEnded(id string) {
	if g := s.groups[id]; g != nil && s.isIdle(g) {
		s.removeGroup(g)
	}
}
