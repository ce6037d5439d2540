// Package replica decides the high watermark of one partition on the node that leads it. It is a value: events in,
// effects out, no file, clock or lock. Its driver is package partition, which steps it once for each round of the
// Syncer, not once for each request. It does not append, does not fetch and does not elect. Start with State.Step.
package replica

import (
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// State is what a replica knows of its partition. The zero value is a replica that leads nothing.
type State struct {
	self    metadata.NodeID
	leading bool
	epoch   record.LeaderEpoch
	// isr is sorted by node. While leading it always contains self.
	isr    []progress
	isrMin int

	// highWatermark never falls while the state lives, whatever the events say.
	highWatermark record.Offset
}

// progress is how far one member of the ISR has the log durably.
type progress struct {
	node       metadata.NodeID
	durableEnd record.Offset
}

// Event is one of Lead, Durable, Configure and Resign.
type Event interface{ event() }

// Lead makes the replica the leader of an epoch. The high watermark starts at what was known before and rises to
// what the ISR holds. An epoch that is not newer than the present one is a repeat and changes only ISR and ISRMin.
type Lead struct {
	Self       metadata.NodeID
	Epoch      record.LeaderEpoch
	ISR        []metadata.NodeID
	ISRMin     int           // min.insync.replicas
	DurableEnd record.Offset // of this replica
}

// Durable says that a member of the ISR holds everything below End durably. A lower End than before is ignored: a
// late message must not take back what was promised.
type Durable struct {
	Node metadata.NodeID
	End  record.Offset
}

// Configure changes min.insync.replicas.
type Configure struct{ ISRMin int }

// Resign ends leadership: every offset that waits for the high watermark has lost its promise.
type Resign struct{}

func (Lead) event()      {}
func (Durable) event()   {}
func (Configure) event() {}
func (Resign) event()    {}

// Effects is what a Step asks of the driver. The driver reuses it; Step resets it.
type Effects struct {
	// HighWatermark is the new high watermark, when Moved.
	HighWatermark record.Offset
	Moved         bool
	// Resigned says that leadership ended: those who wait are to be told so.
	Resigned bool
}

// Step takes one event.
func (s *State) Step(event Event, effects *Effects) {
	*effects = Effects{}
	switch e := event.(type) {
	case Lead:
		s.lead(e)
	case Durable:
		s.durable(e)
	case Configure:
		s.isrMin = e.ISRMin
	case Resign:
		effects.Resigned = s.leading
		s.leading = false
		return
	default:
		panic(fmt.Sprintf("replica: event %T is not known", event))
	}
	if end := s.committable(); end > s.highWatermark {
		s.highWatermark = end
		effects.HighWatermark, effects.Moved = end, true
	}
}

func (s *State) lead(e Lead) {
	if s.leading && e.Epoch < s.epoch {
		return
	}
	known := s.isr
	s.self, s.leading, s.epoch, s.isrMin = e.Self, true, e.Epoch, e.ISRMin
	s.isr = make([]progress, 0, len(e.ISR))
	for _, node := range e.ISR {
		p := progress{node: node}
		if node == e.Self {
			p.durableEnd = e.DurableEnd
		} else if i := slices.IndexFunc(known, func(k progress) bool { return k.node == node }); i >= 0 {
			p.durableEnd = known[i].durableEnd
		}
		s.isr = append(s.isr, p)
	}
	slices.SortFunc(s.isr, func(a, b progress) int { return int(a.node) - int(b.node) })
}

func (s *State) durable(e Durable) {
	for i := range s.isr {
		if s.isr[i].node == e.Node {
			s.isr[i].durableEnd = max(s.isr[i].durableEnd, e.End)
		}
	}
}

// committable is the end of what the whole ISR holds, or 0 while the ISR is under min.insync.replicas (KIP-966: the
// high watermark is held then).
func (s *State) committable() record.Offset {
	if !s.leading || len(s.isr) < s.isrMin || len(s.isr) == 0 {
		return 0
	}
	end := s.isr[0].durableEnd
	for _, p := range s.isr[1:] {
		end = min(end, p.durableEnd)
	}
	return end
}

// Leading says whether this replica leads, and in which epoch.
func (s *State) Leading() (record.LeaderEpoch, bool) { return s.epoch, s.leading }

// HighWatermark is the offset below which every record is committed.
func (s *State) HighWatermark() record.Offset { return s.highWatermark }

// EnoughInSync says whether a produce with acks=all may be accepted, and with how many of how many replicas.
func (s *State) EnoughInSync() (ok bool, have, need int) {
	return len(s.isr) >= s.isrMin, len(s.isr), s.isrMin
}
