package parallel

import "bytes"

// none is no lane, no slot.
const none int32 = -1

// lane is a list of records that run one after the other. Its first record is ready, running or delayed, the others
// wait. It is there as long as it has a record, and its key is that of its first one, so it keeps no bytes alive that
// are not waited for.
type lane struct {
	hash        uint64
	chain       int32 // the next lane of the partition with the same hash, or the next unused one
	first, last sequence
}

// enter puts a record at the end of its lane, and tells whether it is the first one there.
func (s *Scheduler[P, T]) enter(p *part[P, T], seq sequence, e *entry[T]) (first bool) {
	if s.cfg.Order == PerKey && e.key == nil {
		return true
	}
	var hash uint64
	if s.cfg.Order == PerKey {
		hash = s.cfg.Hash(e.key)
	}
	l := s.find(p, hash, e.key)
	if l == none {
		e.lane = s.open(p, hash, seq)
		return true
	}
	e.lane = l
	p.at(s.lanes[l].last).next = seq
	s.lanes[l].last = seq
	return false
}

// leave takes the first record out of its lane, and returns the one that is the first now, 0 if there is none.
func (s *Scheduler[P, T]) leave(p *part[P, T], e *entry[T]) sequence {
	if e.lane == none {
		return 0
	}
	if e.next == 0 {
		s.close(p, e.lane)
		return 0
	}
	s.lanes[e.lane].first = e.next
	return e.next
}

func (s *Scheduler[P, T]) find(p *part[P, T], hash uint64, key []byte) int32 {
	if s.cfg.Order == PerPartition {
		return p.serial
	}
	l, ok := p.lanes[hash]
	if !ok {
		return none
	}
	for l != none && !bytes.Equal(p.at(s.lanes[l].first).key, key) {
		l = s.lanes[l].chain
	}
	return l
}

func (s *Scheduler[P, T]) open(p *part[P, T], hash uint64, seq sequence) int32 {
	l := s.laneFree
	if l == none {
		l = int32(len(s.lanes))
		s.lanes = append(s.lanes, lane{})
	} else {
		s.laneFree = s.lanes[l].chain
	}
	s.lanes[l] = lane{hash: hash, chain: none, first: seq, last: seq}
	if s.cfg.Order == PerPartition {
		p.serial = l
		return l
	}
	if after, ok := p.lanes[hash]; ok {
		s.lanes[l].chain = after
	} else if p.lanes == nil {
		p.lanes = map[uint64]int32{}
	}
	p.lanes[hash] = l
	return l
}

// close takes a lane out of its partition.
func (s *Scheduler[P, T]) close(p *part[P, T], l int32) {
	if s.cfg.Order == PerPartition {
		p.serial = none
	} else {
		s.unchain(p, l)
	}
	s.lanes[l] = lane{chain: s.laneFree}
	s.laneFree = l
}

func (s *Scheduler[P, T]) unchain(p *part[P, T], l int32) {
	hash, after := s.lanes[l].hash, s.lanes[l].chain
	at := p.lanes[hash]
	if at == l {
		if after == none {
			delete(p.lanes, hash)
		} else {
			p.lanes[hash] = after
		}
		return
	}
	for s.lanes[at].chain != l {
		at = s.lanes[at].chain
	}
	s.lanes[at].chain = after
}
