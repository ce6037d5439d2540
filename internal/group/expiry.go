package group

import "time"

// cleanup is O19 and O20: it removes offsets that nobody has used for long, and groups that have nothing left.
func (s *Shard) cleanup() {
	s.setCleanup()
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		if left := s.expire(g); left == 0 && g.state == Empty && g.pending.len() == 0 {
			s.removeGroup(g)
		}
	}
}

func (s *Shard) setCleanup() {
	if s.cfg.CleanupInterval > 0 {
		s.fx.Timers = append(s.fx.Timers, TimerChange{Key: TimerKey{Kind: CleanupTimer}, At: s.now.Add(s.cfg.CleanupInterval)})
	}
}

// expire removes a group's expired offsets and says how many are left.
func (s *Shard) expire(g *group) (left int) {
	left = s.offsets.present(g.id)
	if left == 0 || !g.mayExpire() {
		return left
	}
	offsets := s.offsets.byGroup[g.id]
	expired := 0
	for _, name := range offsets.topicNames() {
		if g.subscribes(name) {
			continue
		}
		t := offsets.byTopic[name]
		for _, p := range t.partitions() {
			if v := &t.entries[p].latest; v.present && s.expired(g, &v.OffsetValue) {
				retention, asked := s.retention(&v.OffsetValue)
				s.append(Record{Kind: OffsetRemoved, Group: g.id, Topic: name, Partition: p, Retention: retention, Asked: asked})
				expired++
			}
		}
	}
	if expired > 0 {
		s.fx.Notes = append(s.fx.Notes, Note{Kind: OffsetsExpired, Group: g.id, Members: expired})
	}
	return left - expired
}

// mayExpire says whether the group is in a state in which it can be told whether an offset is used.
func (g *group) mayExpire() bool {
	return g.protocolType == "" || g.state == Empty || g.state == Stable && g.topicsKnown
}

func (s *Shard) expired(g *group, v *OffsetValue) bool { return s.now >= s.expiresAt(g, v) }

// expiresAt is when an offset that no member uses is removed.
func (s *Shard) expiresAt(g *group, v *OffsetValue) Instant {
	if v.ExpireTime != NoInstant {
		return v.ExpireTime
	}
	since := v.CommitTime
	if g.protocolType != "" && g.state == Empty && g.stateTime != NoInstant {
		since = g.stateTime
	}
	return since.Add(s.cfg.OffsetsRetention)
}

// retention is how long an offset is kept, and whether its commit asked for that (O7). It is at least a millisecond.
func (s *Shard) retention(v *OffsetValue) (d time.Duration, asked bool) {
	if v.ExpireTime == NoInstant {
		return max(s.cfg.OffsetsRetention, time.Millisecond), false
	}
	return max(v.ExpireTime.Sub(v.CommitTime), time.Millisecond), true
}

// foreseen is when an offset would expire if the group stayed as it is and committed nothing; NoInstant is never. The
// record goes with the next cleanup after that.
func (s *Shard) foreseen(g *group, topic string, v *OffsetValue) Instant {
	if !g.mayExpire() || g.subscribes(topic) {
		return NoInstant
	}
	return s.expiresAt(g, v)
}

// removeGroup asks for the tombstones of the group's diary and of the group. The group goes when its own is in the log.
func (s *Shard) removeGroup(g *group) {
	for p := g.pending.first; p != nil; p = g.pending.first {
		s.forget(g, p)
	}
	s.note(GroupDeleted, g, "", reason{})
	if g.diary != nil {
		s.removeDiary(g, len(g.diary.kept))
	}
	s.append(Record{Kind: GroupRemoved, Group: g.id})
}

// topicsDeleted is O18.
func (s *Shard) topicsDeleted(e *TopicsDeleted) {
	for _, id := range s.offsetGroupIDs() {
		g := s.offsets.byGroup[id]
		for i := range e.Topics {
			t := g.byTopic[e.Topics[i].Name]
			if t == nil {
				continue
			}
			for _, p := range t.partitions() {
				if v := &t.entries[p].latest; v.present && !otherTopic(v.TopicID, e.Topics[i].ID) {
					s.append(Record{Kind: OffsetRemoved, Group: id, Topic: t.name, Partition: p})
				}
			}
		}
	}
}
