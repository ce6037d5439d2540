package parallel

import "time"

// checkIdle: when Next has nothing, then no worker is free or nothing may run, and Wake knows when that changes.
func (m *model) checkIdle(s *Scheduler[int, int64], now time.Time) {
	if len(m.open) >= m.cfg.Workers {
		return
	}
	var next time.Time
	for partition, h := range m.held {
		if r := m.runnable(h, now); r != nil {
			m.fail("progress: record %d of partition %d, key %q, could run, %d of %d workers are free, and Next has nothing",
				r.offset, partition, r.key, m.cfg.Workers-len(m.open), m.cfg.Workers)
		}
		for _, r := range h.records {
			if !h.draining && !r.done && !r.running && r.until.After(now) && (next.IsZero() || r.until.Before(next)) {
				next = r.until
			}
		}
	}
	if at, ok := s.Wake(); !next.IsZero() && (!ok || at.After(next)) {
		m.fail("progress: a delay ends at %v, and Wake says %v (%v)", next, at, ok)
	}
}

// checkFair: while a partition has something that may run, each other one starts at most once before it.
func (m *model) checkFair(now time.Time, given int) {
	for partition, h := range m.held {
		if partition == given || m.runnable(h, now) == nil {
			h.waits = false
		} else if !h.waits {
			h.waits, h.waitsFrom = true, m.turns
		} else if m.turns-h.waitsFrom > m.parts {
			m.fail("fair: partition %d has waited for %d turns with %d partitions", partition, m.turns-h.waitsFrom, m.parts)
			h.waits = false
		}
	}
}

// checkOldest: what is in flight for longest is told, and each attempt once when it is half of max.poll.interval.ms.
func (m *model) checkOldest(s *Scheduler[int, int64], now time.Time) {
	var longest time.Duration
	for _, a := range m.open {
		longest = max(longest, now.Sub(a.since))
	}
	got, ok := s.Oldest(now)
	if ok != (len(m.open) > 0) || got.For != longest {
		m.fail("stall: the oldest is %+v (%v), and one runs for %v", got, ok, longest)
	}
	for {
		r, ok := s.Stalled(now)
		if !ok {
			break
		}
		a := m.match(r, now)
		if a == nil || a.told || r.For < m.cfg.PollIntervalMax/2 {
			m.fail("stall: %+v was told", r)
			continue
		}
		a.told = true
	}
	for _, a := range m.open {
		if !a.told && now.Sub(a.since) >= m.cfg.PollIntervalMax/2 {
			m.fail("stall: record %d of partition %d runs for %v and was not told", a.record.offset, a.of.partition, now.Sub(a.since))
		}
	}
}

func (m *model) match(r Running[int], now time.Time) *attempt {
	for _, a := range m.open {
		if a.of.partition == r.Partition && a.record.offset == r.Offset && now.Sub(a.since) == r.For && a.of.dropped == r.Dropped && a.record.tries == r.Attempt {
			return a
		}
	}
	return nil
}

// checkEmpty: when all is processed, nothing is kept.
func (m *model) checkEmpty(s *Scheduler[int, int64]) {
	unused := 0
	for l := s.laneFree; l != none; l = s.lanes[l].chain {
		unused++
	}
	if unused != len(s.lanes) {
		m.fail("leak: %d of %d lanes are in use, and nothing is left", len(s.lanes)-unused, len(s.lanes))
	}
	for _, p := range s.order {
		if len(p.lanes) > 0 || p.serial != none || len(p.ready) > 0 || p.delayed > 0 || p.running > 0 || p.left > 0 {
			m.fail("leak: partition %d keeps %d keys, %d ready, %d delayed, %d running, %d left", p.name, len(p.lanes), len(p.ready), p.delayed, p.running, p.left)
		}
	}
	if len(s.delays) > 0 || s.left != 0 || s.offers.first != nil {
		m.fail("leak: %d delays, %d left, offers %v", len(s.delays), s.left, s.offers.first != nil)
	}
}
