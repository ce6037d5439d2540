// Package measure says what a rebalance cost, from the history of those who took part: who read which partition when, what was
// read, asked and told. It is pure and knows nothing of ZooKeeper or of coordinators, so both are measured by the same rules.
package measure

import (
	"cmp"
	"slices"
	"time"
)

// Kind is what happened.
type Kind uint8

const (
	// Started: Member reads Partition from now on.
	Started Kind = iota
	// Stopped: it does not any more.
	Stopped
	// Read: Member has read Partition from Offset up to End.
	Read
	// Asked: Member sent a request.
	Asked
	// Notified: Member was told that something changed.
	Notified
	// Collided: Member tried to become the owner of a partition that has one.
	Collided
	// Failed: Member gave a rebalance up.
	Failed
)

// Event is one thing that happened.
type Event struct {
	At          time.Duration
	Member      int
	Kind        Kind
	Partition   int32
	Offset, End int64 // of Read
}

// History is what happened to a topic whose partitions are 0 to Partitions-1.
type History struct {
	Partitions int
	Events     []Event
}

// Sort puts the events in order. Events of one moment stay as they were noted.
func (h *History) Sort() {
	slices.SortStableFunc(h.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
}

// Figures is what a part of a history cost.
type Figures struct {
	Notifications int  `json:"notifications"`
	Requests      int  `json:"requests"`
	Stable        bool `json:"stable"` // at the end every partition had one reader
	// StableAfter is from the beginning to the last change of who reads what. It means little where Stable is false.
	StableAfter time.Duration `json:"stableAfterNs"`
	// NoOwner and TwoOwners are times summed over the partitions: without a reader, and with more than one.
	NoOwner   time.Duration `json:"noOwnerNs"`
	TwoOwners time.Duration `json:"twoOwnersNs"`
	// Doubled is how many records were read that had been read before, in all of the history up to here.
	Doubled    int64 `json:"recordsDoubled"`
	Collisions int   `json:"collisions"`
	Failed     int   `json:"failedRebalances"`
}

// Figures measures what happened at or after from and before to. The events are sorted. What happened before counts for who reads
// what at the beginning, and for what has been read.
func (h *History) Figures(from, to time.Duration) Figures {
	f := Figures{}
	partitions := make([]partition, h.Partitions)
	for i := range partitions {
		partitions[i].readers = map[int]int{}
		partitions[i].since = from
	}
	for _, e := range h.Events {
		if e.At >= to {
			break
		}
		inside := e.At >= from
		switch e.Kind {
		case Started, Stopped:
			p := &partitions[e.Partition]
			if inside {
				f.account(p, e.At)
				f.StableAfter = e.At - from
			}
			p.change(e)
		case Read:
			again := partitions[e.Partition].read.add(e.Offset, e.End)
			if inside {
				f.Doubled += again
			}
		default:
			if inside {
				f.count(e.Kind)
			}
		}
	}
	f.Stable = true
	for i := range partitions {
		f.account(&partitions[i], to)
		f.Stable = f.Stable && len(partitions[i].readers) == 1
	}
	return f
}

func (f *Figures) count(kind Kind) {
	switch kind {
	case Asked:
		f.Requests++
	case Notified:
		f.Notifications++
	case Collided:
		f.Collisions++
	case Failed:
		f.Failed++
	}
}

// account adds the time since the last change of a partition's readers.
func (f *Figures) account(p *partition, until time.Duration) {
	switch n := len(p.readers); {
	case n == 0:
		f.NoOwner += until - p.since
	case n > 1:
		f.TwoOwners += until - p.since
	}
	p.since = until
}

// partition is who reads a partition, and what was read of it.
type partition struct {
	readers map[int]int // how often each has started more than stopped
	since   time.Duration
	read    spans
}

func (p *partition) change(e Event) {
	if e.Kind == Started {
		p.readers[e.Member]++
		return
	}
	if p.readers[e.Member]--; p.readers[e.Member] <= 0 {
		delete(p.readers, e.Member)
	}
}

// spans are ranges of offsets [from, to) that do not touch, in order.
type spans [][2]int64

// add adds a range and says how much of it was there already.
func (s *spans) add(from, to int64) (again int64) {
	if from >= to {
		return 0
	}
	first, _ := slices.BinarySearchFunc(*s, from, func(span [2]int64, from int64) int { return cmp.Compare(span[1], from) })
	last := first
	low, high := from, to
	for ; last < len(*s) && (*s)[last][0] <= to; last++ {
		again += max(0, min(to, (*s)[last][1])-max(from, (*s)[last][0]))
		low, high = min(low, (*s)[last][0]), max(high, (*s)[last][1])
	}
	*s = slices.Replace(*s, first, last, [2]int64{low, high})
	return again
}
