package parallel

// checkDrained: a partition is drained when nothing of it is in flight, and what counted was told.
func (m *model) checkDrained(s *Scheduler[int, int64]) {
	for partition := range 8 {
		h := m.held[partition]
		running := 0
		for _, a := range m.open {
			if a.of == h {
				running++
			}
		}
		want := h == nil || h.draining && running == 0
		if got := s.Drained(partition); got != want {
			m.fail("drain: partition %d, drained: %v, %d in flight", partition, got, running)
		}
	}
}

// checkDone: Done counts if the assignment is still the one that the attempt was given for.
func (m *model) checkDone(t Ticket, counted bool) {
	a := m.open[t]
	if a != nil && counted == a.of.dropped {
		m.fail("drop: the end of record %d of partition %d counted: %v, and the partition was dropped: %v", a.record.offset, a.of.partition, counted, a.of.dropped)
	}
}
