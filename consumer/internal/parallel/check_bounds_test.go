package parallel

// checkBounds: never more workers than there are, never more records than may be, and Full when one poll more could be too much,
// until half is processed.
func (m *model) checkBounds(s *Scheduler[int, int64]) {
	if n := s.InFlight(); n > m.cfg.Workers || n != len(m.open) {
		m.fail("workers: %d in flight, %d given and not done, %d workers", n, len(m.open), m.cfg.Workers)
	}
	if n := m.left(); n > m.cfg.TotalMax {
		m.fail("bound: %d records are not processed, of %d", n, m.cfg.TotalMax)
	}
	for partition, h := range m.held {
		left, span := h.left(), h.span()
		if left > m.cfg.PartitionMax {
			m.fail("bound: %d records of partition %d are not processed, of %d", left, partition, m.cfg.PartitionMax)
		}
		if span > m.cfg.AheadMax && !h.draining {
			m.fail("bound: %d records of partition %d are behind the frontier, of %d", span, partition, m.cfg.AheadMax)
		}
		m.checkFull(s, h, left, span)
	}
}

func (m *model) checkFull(s *Scheduler[int, int64], h *holding, left, span int) {
	if h.draining {
		return
	}
	roomLeft, roomAhead, room := m.cfg.PartitionMax-m.cfg.PollMax, m.cfg.AheadMax-m.cfg.PollMax, m.cfg.TotalMax-m.cfg.PollMax
	full := s.Full(h.partition)
	if !full && (left > roomLeft || span > roomAhead || m.left() > room) {
		m.fail("bound: partition %d is not full with %d left, %d behind the frontier, %d in all", h.partition, left, span, m.left())
	}
	if full && left <= roomLeft/2 && span <= roomAhead/2 && m.left() <= room/2 {
		m.fail("bound: partition %d is full with %d left, %d behind the frontier, %d in all", h.partition, left, span, m.left())
	}
}
