package perceptor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
)

// FeedCounts counts what a Feed does. The zero FeedCounts is ready. Safe for concurrent use.
type FeedCounts struct {
	changes, again, records atomic.Uint64
}

// Changes is how many changes were read.
func (c *FeedCounts) Changes() uint64 { return c.changes.Load() }

// Again is how many records were not written because they had been before a crash.
func (c *FeedCounts) Again() uint64 { return c.again.Load() }

// Records is how many records were acknowledged.
func (c *FeedCounts) Records() uint64 { return c.records.Load() }

// parcelRecordsMax is how many records share an encoder's memory, which is used again when all are acknowledged.
const parcelRecordsMax = 256

// sparesMax is how many parcels are kept that nothing is on its way of. What else there was of them when the brokers were slow goes.
const sparesMax = 32

// parcel is some records, in the order in which they were read, and the position that is reached when they are
// acknowledged.
type parcel struct {
	encoder *envelope.Encoder
	records []kgo.Record

	// Guarded by sent.mu.
	open     int  // records that are not acknowledged
	full     bool // nothing is added any more
	reached  bool // a transaction ended within it
	position source.State
}

// record is the next record's place. There is always one: a parcel ends before it is full.
func (p *parcel) record() *kgo.Record {
	p.records = p.records[:len(p.records)+1]
	r := &p.records[len(p.records)-1]
	*r = kgo.Record{Headers: r.Headers[:0]}
	return r
}

// sent knows what is on its way, in order. The position is that behind the oldest record that is not acknowledged.
type sent struct {
	options envelope.Options
	failed  context.CancelCauseFunc

	mu       sync.Mutex
	queue    []*parcel // the oldest first; the last one is being filled
	spare    []*parcel
	position source.State
	known    bool
	counts   *FeedCounts
}

func newSent(o envelope.Options, counts *FeedCounts) (*sent, error) {
	s := &sent{options: o, counts: counts}
	p, err := s.make()
	if err != nil {
		return nil, err
	}
	s.queue = []*parcel{p}
	return s, nil
}

func (s *sent) make() (*parcel, error) {
	e, err := envelope.NewEncoder(s.options)
	if err != nil {
		return nil, fmt.Errorf("perceptor: %w", err)
	}
	return &parcel{encoder: e, records: make([]kgo.Record, 0, parcelRecordsMax)}, nil
}

// recordsOfChange is the most that one change becomes: a delete with its tombstone, and a create.
const recordsOfChange = 3

// open is the parcel for the next change.
func (s *sent) open() *parcel {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.queue[len(s.queue)-1]
	if len(last.records)+recordsOfChange <= parcelRecordsMax {
		return last
	}
	last.full = true
	s.settle()
	if n := len(s.spare); n > 0 {
		last, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		last, _ = s.make() // its options were good for the first one
	}
	s.queue = append(s.queue, last)
	return last
}

func (s *sent) sending(p *parcel) {
	s.mu.Lock()
	p.open++
	s.mu.Unlock()
}

func (s *sent) acknowledged(p *parcel, err error) {
	if err != nil {
		s.failed(err)
		return // the position stays in front of it
	}
	s.counts.records.Add(1)
	s.mu.Lock()
	p.open--
	s.settle()
	s.mu.Unlock()
}

// reached notes that everything that was sent so far ends a transaction here.
func (s *sent) reached(at source.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.queue[len(s.queue)-1]
	last.reached, last.position = true, at
	s.settle()
}

// settle takes what is acknowledged out of the queue. s.mu is held.
func (s *sent) settle() {
	for len(s.queue) > 0 && s.queue[0].open == 0 {
		p := s.queue[0]
		if p.reached {
			s.position, s.known = p.position, true
			p.reached = false
		}
		if !p.full {
			return
		}
		s.queue[0] = nil // the array behind it stays for a while
		s.queue = s.queue[1:]
		p.encoder.Reset()
		p.records, p.full = p.records[:0], false
		if len(s.spare) < sparesMax {
			s.spare = append(s.spare, p)
		}
	}
}

// now is the position up to which everything is acknowledged.
func (s *sent) now() (source.State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return s.position, s.known
}
