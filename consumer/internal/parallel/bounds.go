package parallel

// Full tells whether the partition has to be paused: one more poll might bring more than may be added. It stays so until
// half of it is processed, so a partition is not paused and resumed with each record.
func (s *Scheduler[P, T]) Full(name P) bool {
	p := s.parts[name]
	return p != nil && (p.full || s.full)
}

// weigh looks at the bounds after a change.
func (s *Scheduler[P, T]) weigh(p *part[P, T]) {
	left, ahead := s.cfg.PartitionMax-s.cfg.PollMax, s.cfg.AheadMax-s.cfg.PollMax
	if p.full {
		p.full = p.left > left/2 || p.span() > ahead/2
	} else {
		p.full = p.left > left || p.span() > ahead
	}
	s.weighAll()
}

func (s *Scheduler[P, T]) weighAll() {
	left := s.cfg.TotalMax - s.cfg.PollMax
	if s.full {
		left /= 2
	}
	s.full = s.left > left
}
