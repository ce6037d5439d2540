package parallel

import (
	"iter"
	"time"
)

// Frontier is what may be committed of a partition. It is false while there is nothing: no record was processed since it was
// assigned, or it is not assigned.
func (s *Scheduler[P, T]) Frontier(name P) (Place, bool) {
	if p := s.parts[name]; p != nil {
		return p.frontier, p.known
	}
	return Place{}, false
}

// Frontiers yields what may be committed, in the order in which the partitions were assigned.
func (s *Scheduler[P, T]) Frontiers() iter.Seq2[P, Place] {
	return func(yield func(P, Place) bool) {
		for _, p := range s.order {
			if p.known && !yield(p.name, p.frontier) {
				return
			}
		}
	}
}

// InFlight is the number of records in flight, those of dropped partitions too.
func (s *Scheduler[P, T]) InFlight() int { return s.flights.n }

// Standing tells how a partition is getting on, for metrics and for explaining.
type Standing struct {
	Left     int  // records that are added and not processed
	Running  int  // of them, in flight
	Delayed  int  // of them, waiting for their next attempt
	Ahead    int  // records that are processed behind one that is not; 0 while draining
	Lanes    int  // keys that records are there of
	Full     bool // has to be paused
	Draining bool

	// What the frontier waits for, if Left is not 0.
	Offset  int64
	Attempt int       // how many times it was started
	Until   time.Time // when its next attempt may start, if it waits for that
}

// Standing is the zero value for a partition that is not assigned.
func (s *Scheduler[P, T]) Standing(name P) Standing {
	p := s.parts[name]
	if p == nil {
		return Standing{}
	}
	st := Standing{
		Left: p.left, Running: p.running, Delayed: p.delayed, Lanes: s.laneCount(p), Full: s.Full(name), Draining: p.draining,
	}
	if !p.draining {
		st.Ahead = p.span() - p.left
	}
	if p.left == 0 {
		return st
	}
	e := p.at(p.first)
	st.Offset, st.Attempt = e.place.Offset, int(e.attempt)
	for i := range s.delays {
		if d := &s.delays[i]; d.part == p && d.seq == p.first {
			st.Until = d.until
		}
	}
	return st
}

func (s *Scheduler[P, T]) laneCount(p *part[P, T]) int {
	if s.cfg.Order == PerPartition {
		return min(p.left, 1)
	}
	n := 0
	for _, l := range p.lanes {
		for ; l != none; l = s.lanes[l].chain {
			n++
		}
	}
	return n
}
