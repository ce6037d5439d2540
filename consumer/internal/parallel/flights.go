package parallel

import (
	"fmt"
	"time"
)

// flight is an attempt that runs.
type flight[P comparable, T any] struct {
	stamp      uint64 // of the Ticket; 0: the slot is unused
	part       *part[P, T]
	seq        sequence
	offset     int64
	attempt    int
	since      time.Time
	prev, next int32 // in the order in which they began; next is the next unused slot of one that is unused
}

// flights are the attempts that run, the oldest first. Those in front of fresh were told to be stalled.
type flights[P comparable, T any] struct {
	slots          []flight[P, T]
	unused         int32
	oldest, newest int32
	fresh          int32
	stamp          uint64
	n              int
}

func (f *flights[P, T]) init(workers int) {
	f.slots = make([]flight[P, T], workers)
	for i := range f.slots {
		f.slots[i].next = int32(i) + 1
	}
	f.slots[workers-1].next = none
	f.unused, f.oldest, f.newest, f.fresh = 0, none, none, none
}

func (f *flights[P, T]) full() bool { return f.unused == none }

func (f *flights[P, T]) start(now time.Time, p *part[P, T], seq sequence) Ticket {
	slot := f.unused
	f.unused = f.slots[slot].next
	f.stamp++
	f.n++
	e := p.at(seq)
	f.slots[slot] = flight[P, T]{
		stamp: f.stamp, part: p, seq: seq, offset: e.place.Offset, attempt: int(e.attempt), since: now, prev: f.newest, next: none,
	}
	if f.newest == none {
		f.oldest = slot
	} else {
		f.slots[f.newest].next = slot
	}
	f.newest = slot
	if f.fresh == none {
		f.fresh = slot
	}
	return Ticket{slot: slot, stamp: f.stamp}
}

func (f *flights[P, T]) end(t Ticket) (*part[P, T], sequence) {
	if t.stamp == 0 || f.slots[t.slot].stamp != t.stamp {
		panic(fmt.Sprintf("parallel: Done with ticket %d of slot %d, which is at %d: a ticket is for one Done", t.stamp, t.slot, f.slots[t.slot].stamp))
	}
	f.n--
	this := f.slots[t.slot]
	if this.prev == none {
		f.oldest = this.next
	} else {
		f.slots[this.prev].next = this.next
	}
	if this.next == none {
		f.newest = this.prev
	} else {
		f.slots[this.next].prev = this.prev
	}
	if f.fresh == t.slot {
		f.fresh = this.next
	}
	f.slots[t.slot] = flight[P, T]{next: f.unused}
	f.unused = t.slot
	return this.part, this.seq
}

// Running is an attempt in flight.
type Running[P comparable] struct {
	Partition P
	Offset    int64
	Attempt   int
	For       time.Duration
	Dropped   bool // the partition was given up meanwhile; the worker is still busy
}

// Oldest gives what is in flight for longest.
func (s *Scheduler[P, T]) Oldest(now time.Time) (Running[P], bool) {
	return s.flights.tell(now, s.flights.oldest)
}

// Stalled gives an attempt that is in flight for half of max.poll.interval.ms, the oldest first, each one once. To be called
// until it is false.
func (s *Scheduler[P, T]) Stalled(now time.Time) (Running[P], bool) {
	f := &s.flights
	at, ok := s.stallAt()
	if !ok || at.After(now) {
		return Running[P]{}, false
	}
	slot := f.fresh
	f.fresh = f.slots[slot].next
	return f.tell(now, slot)
}

// Wake is when Next or Stalled may have something that they have not now, if nothing else happens. It is false if never.
func (s *Scheduler[P, T]) Wake() (at time.Time, ok bool) {
	at, ok = s.stallAt()
	if len(s.delays) > 0 && !s.flights.full() && (!ok || s.delays[0].until.Before(at)) {
		return s.delays[0].until, true
	}
	return at, ok
}

func (s *Scheduler[P, T]) stallAt() (time.Time, bool) {
	if s.cfg.PollIntervalMax <= 0 || s.flights.fresh == none {
		return time.Time{}, false
	}
	return s.flights.slots[s.flights.fresh].since.Add(s.cfg.PollIntervalMax / 2), true
}

func (f *flights[P, T]) tell(now time.Time, slot int32) (Running[P], bool) {
	if slot == none {
		return Running[P]{}, false
	}
	this := &f.slots[slot]
	return Running[P]{
		Partition: this.part.name, Offset: this.offset, Attempt: this.attempt, For: now.Sub(this.since), Dropped: this.part.gone,
	}, true
}
