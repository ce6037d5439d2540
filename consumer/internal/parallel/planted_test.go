package parallel

import "testing"

// bug is a fault that is put in on purpose, to see that a checker finds it.
type bug struct {
	mergeKeys    bool // keys of one hash are one lane
	splitKeys    bool // a key is more than one lane
	openLane     bool // the lane of a record that is tried again does not wait
	highest      bool // the frontier is behind the highest that is processed
	back         bool // the frontier begins anew when a record is given up
	noEpoch      bool // the epoch in front of the frontier is lost
	oneMore      bool // one worker too many
	noBound      bool // a partition takes more than it may
	startDrained bool // a partition that has to be given up goes on
	lateCounts   bool // the end of an attempt counts for the next assignment, too
	lostDelay    bool // a record that is tried again is never woken
	greedy       bool // a partition with something that may run is the next one again
	leak         bool // a lane stays when it is empty
	lostLane     bool // a key with more than one record is not offered again after the first
	deaf         bool // stalls are not told
}

func (b *bug) config(cfg Config) Config {
	if b.oneMore {
		cfg.Workers++
	}
	if b.noBound {
		cfg.PartitionMax *= 2
	}
	if b.deaf {
		cfg.PollIntervalMax = 0
	}
	return cfg
}

func (b *bug) key(w *world, r *fact) []byte {
	switch {
	case b.mergeKeys && r.key != nil:
		return []byte{byte(len(r.key))}
	case b.splitKeys && r.key != nil && r.offset%5 == 0:
		return append([]byte{0}, r.key...)
	}
	return r.key
}

// hide gives the true key back, so that not the key is found but what it does.
func (b *bug) hide(w *world, it *Item[int, int64]) {
	for _, r := range w.logs[it.Partition] {
		if r.offset == it.Offset && (b.mergeKeys || b.splitKeys) {
			it.Key = r.key
		}
	}
}

func (b *bug) started(w *world, it Item[int, int64]) {
	p := w.s.parts[it.Partition]
	if b.greedy && len(p.ready) > 0 {
		w.s.offers.remove(p)
		p.next = w.s.offers.first
		if p.next == nil {
			w.s.offers.last = p
		} else {
			p.next.prev = p
		}
		w.s.offers.first = p
	}
}

func (b *bug) ending(w *world, it Item[int, int64], r *Result) {
	f := &w.s.flights.slots[it.Ticket.slot]
	if p := w.s.parts[it.Partition]; b.lateCounts && f.part.gone && p != nil && !p.draining && f.seq < p.end && f.seq >= p.first && p.at(f.seq).state == ready {
		p.left++ // Done takes one off, and so will the attempt that is to come
		p.running++
		w.s.left++
		p.at(f.seq).state = running
		f.part = p
	}
	if p := f.part; b.openLane && !p.gone && !p.draining && r.Outcome == Retry {
		if e := p.at(f.seq); e.lane != none && e.next != 0 {
			w.s.offer(p, w.s.leave(p, e))
			e.lane, e.next = none, 0
		}
	}
	if p := f.part; b.lostLane && !p.gone {
		if e := p.at(f.seq); e.lane != none && e.next != 0 && r.Outcome != Retry {
			w.s.leave(p, e)
			e.lane, e.next = none, 0
		}
	}
}

func (b *bug) ended(w *world, it Item[int, int64], r Result) {
	p := w.s.parts[it.Partition]
	if p == nil {
		return
	}
	if b.highest && r.Outcome != Retry && it.Offset >= p.frontier.Offset {
		p.frontier, p.known = Place{it.Offset + 1, it.LeaderEpoch}, true
	}
	if b.back && r.Outcome == GiveUp && it.Offset < p.frontier.Offset {
		p.frontier.Offset = it.Offset
	}
	if b.noEpoch {
		p.frontier.LeaderEpoch = 0
	}
	if b.lostDelay && r.Outcome == Retry {
		w.s.cancelDelays(p)
	}
	if b.leak && p.left == 0 && !p.draining && w.s.cfg.Order == PerKey {
		w.s.open(p, 1, p.end)
	}
}

func (b *bug) drain(w *world, p int) {
	w.s.Drain(p)
	if b.startDrained {
		part := w.s.parts[p]
		for seq := part.first; seq < part.end; seq++ {
			if part.at(seq).state == forgotten {
				w.s.offer(part, seq)
			}
		}
	}
}

// TestPlantedBugs: each of them is found within 300 seeds, by the checker that is meant for it.
func TestPlantedBugs(t *testing.T) {
	for name, c := range map[string]struct {
		bug bug
		by  []string
	}{
		"keys of one hash are one lane":        {bug{mergeKeys: true}, []string{"progress", "order"}},
		"a key is more than one lane":          {bug{splitKeys: true}, []string{"order"}},
		"the lane of a retry does not wait":    {bug{openLane: true}, []string{"order"}},
		"the frontier is behind the highest":   {bug{highest: true}, []string{"frontier"}},
		"the frontier goes back":               {bug{back: true}, []string{"frontier"}},
		"the epoch is lost":                    {bug{noEpoch: true}, []string{"frontier"}},
		"one worker too many":                  {bug{oneMore: true}, []string{"workers"}},
		"no bound":                             {bug{noBound: true}, []string{"bound"}},
		"a partition that is given up goes on": {bug{startDrained: true}, []string{"drain"}},
		"the end of a dropped attempt counts":  {bug{lateCounts: true}, []string{"drop"}},
		"a retry is never woken":               {bug{lostDelay: true}, []string{"progress", "order"}},
		"the same partition is next again":     {bug{greedy: true}, []string{"fair"}},
		"an empty lane stays":                  {bug{leak: true}, []string{"leak"}},
		"a key is not offered again":           {bug{lostLane: true}, []string{"progress", "order"}},
		"stalls are not told":                  {bug{deaf: true}, []string{"stall"}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(300) {
				w := runSim(seed, c.bug)
				if len(w.m.found) == 0 {
					continue
				}
				for _, by := range c.by {
					if len(w.m.found[0]) > len(by) && w.m.found[0][:len(by)] == by {
						t.Logf("seed %d: %s", seed, w.m.found[0])
						return
					}
				}
				t.Fatalf("seed %d: found by another checker: %s", seed, w.m.found[0])
			}
			t.Error("not found")
		})
	}
}
