package parallel

import (
	"errors"
	"hash/maphash"
	"time"
)

// Order says what of a partition has to run one after the other.
type Order int8

// The orders.
const (
	PerPartition Order = iota // all of it
	PerKey                    // records with the same key; those with a null key have no order
)

// Config is fixed for the life of a Scheduler. What is too small is raised to the least that works.
type Config struct {
	Order   Order
	Workers int // records in flight at most, over all partitions

	// PartitionMax and TotalMax bound the records that are added and not processed, of a partition and of all.
	PartitionMax, TotalMax int
	// AheadMax bounds the records of a partition behind its frontier, processed or not: what is processed again after a
	// crash. At least PartitionMax.
	AheadMax int
	// PollMax is how many records may be added after Full was looked at.
	PollMax int

	// PollIntervalMax is max.poll.interval.ms: who is in flight for half of it is stalled. 0: nobody is.
	PollIntervalMax time.Duration

	// Hash finds the lane of a key. Nothing but speed depends on it. Default: a hash with a seed of its own, so that who
	// chooses keys cannot choose collisions.
	Hash func(key []byte) uint64
}

func (c *Config) raise() {
	c.Workers = max(c.Workers, 1)
	c.PollMax = max(c.PollMax, 1)
	c.PartitionMax = max(c.PartitionMax, c.PollMax)
	c.AheadMax = max(c.AheadMax, c.PartitionMax)
	c.TotalMax = max(c.TotalMax, c.PollMax)
	if c.Hash == nil {
		seed := maphash.MakeSeed()
		c.Hash = func(key []byte) uint64 { return maphash.Bytes(seed, key) }
	}
}

// Errors of Add.
var (
	ErrFull     = errors.New("parallel: as many records as may be are added and not processed")
	ErrNotHeld  = errors.New("parallel: the partition is not assigned, or has to be given up")
	ErrBackward = errors.New("parallel: the offset is not behind the one added last")
)

// Place is an offset to be committed, with the leader epoch of the record in front of it, -1 if that is not known.
type Place struct {
	Offset      int64
	LeaderEpoch int32
}

// Item is a record that may run. Key and payload are as they were added.
type Item[P comparable, T any] struct {
	Partition   P
	Offset      int64
	LeaderEpoch int32
	Key         []byte
	Payload     T
	Attempt     int // 1 at first
	Ticket      Ticket
}

// Ticket stands for one attempt of a record. It is for one Done.
type Ticket struct {
	slot  int32
	stamp uint64
}

// Outcome is what has become of an attempt.
type Outcome int8

// The outcomes.
const (
	OK     Outcome = iota // processed
	Retry                 // to be tried again, after the delay; what has the same lane waits
	GiveUp                // counts as processed: the record was sent to a retry topic or dead-letter topic, or is to be skipped
)

// Result of an attempt. Delay counts for Retry only.
type Result struct {
	Outcome Outcome
	Delay   time.Duration
}

// Scheduler holds what was added and is not below its frontier. P names a partition, T is what the caller wants back.
// Times that are given to it never go back. Not safe for concurrent use.
type Scheduler[P comparable, T any] struct {
	cfg   Config
	parts map[P]*part[P, T]
	order []*part[P, T] // as they were assigned
	left  int           // records that are not processed, of all partitions
	full  bool

	offers circle[P, T] // partitions with something that may run
	delays heap[delay[P, T]]
	delayN uint64 // numbers delays, so that those of one moment end in the order in which they began

	lanes    []lane
	laneFree int32 // the first of a list of unused ones

	flights flights[P, T]
}

// New returns a Scheduler without partitions.
func New[P comparable, T any](cfg Config) *Scheduler[P, T] {
	cfg.raise()
	s := &Scheduler[P, T]{cfg: cfg, parts: map[P]*part[P, T]{}, laneFree: none}
	s.flights.init(cfg.Workers)
	return s
}

// Assign takes a partition in. If it is there already, that assignment is dropped: nothing of it counts any more.
func (s *Scheduler[P, T]) Assign(name P) {
	s.Drop(name)
	p := &part[P, T]{name: name, first: 1, end: 1, last: -1, serial: none}
	s.parts[name] = p
	s.order = append(s.order, p)
}

// Add takes a record in. Offsets of a partition grow; they may have gaps. A nil key is Kafka's null, an empty one is a
// key. Key must not be changed while the record is there. The error is ErrFull, ErrNotHeld or ErrBackward, and the
// record was not taken then. A caller that adds at most PollMax records after it has looked at Full gets no ErrFull.
func (s *Scheduler[P, T]) Add(name P, offset int64, leaderEpoch int32, key []byte, payload T) error {
	p := s.parts[name]
	switch {
	case p == nil || p.draining:
		return ErrNotHeld
	case offset <= p.last || offset < p.reached.Offset:
		return ErrBackward
	case p.left >= s.cfg.PartitionMax || p.span() >= s.cfg.AheadMax || s.left >= s.cfg.TotalMax:
		return ErrFull
	}
	seq, e := p.push()
	*e = entry[T]{place: Place{Offset: offset, LeaderEpoch: leaderEpoch}, key: key, payload: payload, lane: none}
	p.last = offset
	p.left++
	s.left++
	if s.enter(p, seq, e) {
		s.offer(p, seq)
	}
	s.weigh(p)
	return nil
}

// Reached says that everything below the place was added, if it is known better than by the offset added last: control
// records and aborted ones are not added. What is not behind what was reached already says nothing.
func (s *Scheduler[P, T]) Reached(name P, to Place) {
	p := s.parts[name]
	if p == nil || p.draining || to.Offset <= p.last || to.Offset <= p.reached.Offset {
		return
	}
	p.reached = to
	p.advance()
}

// Next gives the record that runs next, if one may. It is in flight until Done.
func (s *Scheduler[P, T]) Next(now time.Time) (Item[P, T], bool) {
	s.endDelays(now)
	if s.flights.full() || s.offers.first == nil {
		return Item[P, T]{}, false
	}
	p := s.offers.first
	s.offers.remove(p)
	seq := p.ready.pop()
	if len(p.ready) > 0 {
		s.offers.append(p)
	}
	e := p.at(seq)
	e.state = running
	e.attempt++
	p.running++
	return Item[P, T]{
		Partition: p.name, Offset: e.place.Offset, LeaderEpoch: e.place.LeaderEpoch, Key: e.key, Payload: e.payload,
		Attempt: int(e.attempt), Ticket: s.flights.start(now, p, seq),
	}, true
}

// Done says how an attempt went. It is false if the partition was dropped meanwhile, even if it was assigned again: then
// nothing counts but that the worker is free. Of a partition that has to be given up, a record to be tried again is left to the
// next owner. A Ticket that was used before is a mistake of the caller, and panics.
func (s *Scheduler[P, T]) Done(now time.Time, t Ticket, r Result) bool {
	p, seq := s.flights.end(t)
	if p.gone {
		return false
	}
	p.running--
	e := p.at(seq)
	switch {
	case r.Outcome != Retry:
		s.processed(p, e)
	case p.draining:
		s.forget(p, e)
	case r.Delay > 0:
		e.state = delayed
		p.delayed++
		s.delayN++
		s.delays.push(delay[P, T]{until: now.Add(r.Delay), n: s.delayN, part: p, seq: seq})
	default:
		s.offer(p, seq)
	}
	return true
}

func (s *Scheduler[P, T]) processed(p *part[P, T], e *entry[T]) {
	if next := s.leave(p, e); next != 0 {
		s.offer(p, next)
	}
	e.end(processed)
	p.left--
	s.left--
	p.advance()
	s.weigh(p)
}

// offer lets a record run when it is its partition's turn.
func (s *Scheduler[P, T]) offer(p *part[P, T], seq sequence) {
	p.at(seq).state = ready
	p.ready.push(seq)
	if len(p.ready) == 1 {
		s.offers.append(p)
	}
}

// delay is a record that waits for its next attempt.
type delay[P comparable, T any] struct {
	until time.Time
	n     uint64
	part  *part[P, T]
	seq   sequence
}

func (d delay[P, T]) before(o delay[P, T]) bool {
	if d.until.Equal(o.until) {
		return d.n < o.n
	}
	return d.until.Before(o.until)
}

func (s *Scheduler[P, T]) endDelays(now time.Time) {
	for len(s.delays) > 0 && !s.delays[0].until.After(now) {
		d := s.delays.pop()
		d.part.delayed--
		s.offer(d.part, d.seq)
	}
}
