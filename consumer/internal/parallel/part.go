package parallel

// sequence numbers the records of an assignment from 1, without gaps.
type sequence uint64

func (n sequence) before(o sequence) bool { return n < o }

// state of a record.
type state int8

const (
	waiting   state = iota // for the one in front in its lane
	ready                  // may run
	running                // in flight
	delayed                // waits for its next attempt
	processed              // it is here until the frontier passes
	forgotten              // left to the next owner
)

// entry is a record behind the frontier.
type entry[T any] struct {
	place   Place // its own offset and epoch
	key     []byte
	payload T
	next    sequence // in its lane; 0 none
	lane    int32    // none: it is alone
	attempt int32
	state   state
}

// end drops what the frontier does not need.
func (e *entry[T]) end(as state) { *e = entry[T]{place: e.place, lane: none, state: as} }

// part is one assignment of a partition.
//
//	ring:  | processed | running | processed | ready | waiting |
//	       first                                               end
//
// The record first is never processed: the frontier would have passed it.
type part[P comparable, T any] struct {
	name  P
	ring  []entry[T] // a record is at its sequence modulo the length, a power of two
	first sequence   // the one that the frontier waits for
	end   sequence   // of the next that is added
	last  int64      // the offset added last, -1 none

	frontier Place
	known    bool  // frontier is
	reached  Place // what Reached said

	left    int // records that are not processed
	running int
	delayed int

	ready  heap[sequence]
	lanes  map[uint64]int32 // by hash, the first of a chain
	serial int32            // the only lane, of PerPartition

	full     bool
	draining bool
	gone     bool // dropped; attempts in flight still point here

	prev, next *part[P, T] // in the circle
}

func (p *part[P, T]) span() int { return int(p.end - p.first) }

func (p *part[P, T]) at(seq sequence) *entry[T] { return &p.ring[int(seq)&(len(p.ring)-1)] }

// push makes room for one more.
func (p *part[P, T]) push() (sequence, *entry[T]) {
	if p.span() == len(p.ring) {
		p.grow()
	}
	seq := p.end
	p.end++
	return seq, p.at(seq)
}

func (p *part[P, T]) grow() {
	old := *p
	p.ring = make([]entry[T], max(16, 2*len(p.ring)))
	for seq := p.first; seq < p.end; seq++ {
		*p.at(seq) = *old.at(seq)
	}
}

// advance moves the frontier over what is processed.
func (p *part[P, T]) advance() {
	for ; p.first < p.end; p.first++ {
		e := p.at(p.first)
		if e.state != processed {
			return
		}
		p.frontier, p.known = Place{Offset: e.place.Offset + 1, LeaderEpoch: e.place.LeaderEpoch}, true
	}
	if p.reached.Offset > p.frontier.Offset {
		p.frontier, p.known = p.reached, true
	}
}

// circle is a list of partitions whose turn it is, the first in front.
type circle[P comparable, T any] struct{ first, last *part[P, T] }

func (c *circle[P, T]) append(p *part[P, T]) {
	p.prev = c.last
	if c.last == nil {
		c.first = p
	} else {
		c.last.next = p
	}
	c.last = p
}

func (c *circle[P, T]) remove(p *part[P, T]) {
	if p.prev == nil {
		c.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		c.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}
