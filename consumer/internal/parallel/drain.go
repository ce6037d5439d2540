package parallel

import "slices"

// Drain begins to give a partition up: of what was added nothing new starts, and what is not in flight is forgotten. What
// is in flight still moves the frontier.
func (s *Scheduler[P, T]) Drain(name P) {
	p := s.parts[name]
	if p == nil || p.draining {
		return
	}
	p.draining = true
	if len(p.ready) > 0 {
		s.offers.remove(p)
		p.ready = nil
	}
	s.cancelDelays(p)
	for seq := p.first; seq < p.end; seq++ {
		e := p.at(seq)
		if e.lane != none && s.lanes[e.lane].first == seq {
			s.close(p, e.lane)
		}
		switch e.state {
		case running:
			e.lane, e.next = none, 0
		case waiting, ready, delayed:
			s.forget(p, e)
		}
	}
}

// Drained tells whether nothing of the partition is in flight, and nothing will be: it is assigned no more, or Drain was
// called and all that ran is done. Its frontier stays as it is then.
func (s *Scheduler[P, T]) Drained(name P) bool {
	p := s.parts[name]
	return p == nil || p.draining && p.running == 0
}

// Drop forgets a partition. It has no frontier any more. What is in flight keeps its worker until Done.
func (s *Scheduler[P, T]) Drop(name P) {
	p := s.parts[name]
	if p == nil {
		return
	}
	s.Drain(name)
	s.left -= p.left
	s.weighAll()
	p.gone, p.ring, p.left = true, nil, 0
	delete(s.parts, name)
	s.order = slices.DeleteFunc(s.order, func(o *part[P, T]) bool { return o == p })
}

// forget leaves a record to the next owner.
func (s *Scheduler[P, T]) forget(p *part[P, T], e *entry[T]) {
	e.end(forgotten)
	p.left--
	s.left--
	s.weighAll()
}

func (s *Scheduler[P, T]) cancelDelays(p *part[P, T]) {
	if p.delayed == 0 {
		return
	}
	s.delays = slices.DeleteFunc(s.delays, func(d delay[P, T]) bool { return d.part == p })
	s.delays.restore()
	p.delayed = 0
}
