package parallel

// checkFrontiers: the frontier is where it is by definition, with the epoch of the record in front, and has not moved back.
func (m *model) checkFrontiers(s *Scheduler[int, int64]) {
	listed := map[int]Place{}
	for p, at := range s.Frontiers() {
		listed[p] = at
	}
	for partition := range 8 {
		at, known := s.Frontier(partition)
		if l, ok := listed[partition]; ok != known || l != at {
			m.fail("frontier: partition %d is at %v (%v), and %v (%v) in the list", partition, at, known, l, ok)
		}
		h := m.held[partition]
		if h == nil {
			if known {
				m.fail("drop: partition %d has a frontier, %d, and is not held", partition, at.Offset)
			}
			continue
		}
		want, wantKnown := h.place()
		switch {
		case known && at.Offset < h.frontier.Offset:
			m.fail("frontier: partition %d went back from %d to %d", partition, h.frontier.Offset, at.Offset)
		case known && (!wantKnown || at.Offset > want.Offset):
			m.fail("frontier: partition %d is at %d, and processed up to %d only", partition, at.Offset, want.Offset)
		case wantKnown && (!known || at.Offset < want.Offset):
			m.fail("frontier: partition %d is at %d, and processed up to %d", partition, at.Offset, want.Offset)
		case known && at.LeaderEpoch != want.LeaderEpoch:
			m.fail("frontier: partition %d is at %d with epoch %d, not %d", partition, at.Offset, at.LeaderEpoch, want.LeaderEpoch)
		}
		if known {
			h.frontier = at
		}
	}
}
