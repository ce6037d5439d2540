package group

// Replay takes one record of the log into the durable state: on load each in order, live when it was appended. Live it
// changes nothing that members see of a running group, for that has happened already or waits for the commit.
func (s *Shard) Replay(r *Record) {
	switch r.Kind {
	case OffsetStored:
		s.offsets.apply(r)
		if s.groups[r.Group] == nil {
			s.groups[r.Group] = s.simple(r.Group)
		}
	case OffsetRemoved:
		s.offsets.apply(r)
	case GroupStored:
		g := s.groups[r.Group]
		if g == nil {
			g = newGroup(r.Group, r.Value.StateTime)
			s.groups[r.Group] = g
		}
		g.stored = r.Value
	case GroupRemoved:
		if g := s.groups[r.Group]; g != nil {
			g.stored = nil
			s.dropReplayed(g)
		}
	case DiaryStored:
		g := s.groups[r.Group]
		if g == nil { // its own record comes later, for that is written again; if none does, it is Empty and soon removed
			g = s.simple(r.Group)
			s.groups[r.Group] = g
		}
		g.open()
		s.replayDiary(r)
	case DiaryRemoved:
		s.replayDiary(r)
	default:
		panic("group: record of an unknown kind")
	}
}

// simple is a group that exists because of its offsets.
func (s *Shard) simple(id string) *group { return newGroup(id, NoInstant) }

// dropReplayed takes out a group whose tombstone is in the log. A live group is Empty then, for nothing else is ever
// asked for. On load one that has left entries of its diary behind, because Apache Kafka deleted it, stays until they have
// their tombstones: a new group of that name must not find them.
func (s *Shard) dropReplayed(g *group) {
	switch {
	case s.fx != nil:
		s.bury(g)
	case g.diary == nil || len(g.diary.kept) == 0:
		delete(s.groups, g.id)
	}
}
