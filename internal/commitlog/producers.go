package commitlog

import (
	"cmp"
	"slices"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// batchesKept is how many batches of a producer are remembered: as many as a client has in flight.
const batchesKept = 5

// noProducerEpoch is the epoch of a producer of which nothing is known.
const noProducerEpoch int16 = -1

// producerBatch is one remembered batch: its last sequence and offset, and how many records it has less one.
type producerBatch struct {
	lastOffset   record.Offset
	timestamp    int64 // largest of the batch, ms
	lastSequence int32
	offsetDelta  int32
}

func (b producerBatch) firstOffset() record.Offset {
	return b.lastOffset - record.Offset(b.offsetDelta)
}

func (b producerBatch) firstSequence() int32 {
	return record.AddSequence(b.lastSequence, -b.offsetDelta)
}

// producer is what a log knows of one producer id.
type producer struct {
	id               int64
	epoch            int16
	kept             uint8 // batches that are filled, oldest first
	coordinatorEpoch int32
	lastSeen         int64         // ms; when it last appended, by the wall clock or the batch, whichever is later
	txnFirst         record.Offset // first offset of its open transaction, -1 without
	batches          [batchesKept]producerBatch
}

func newProducer(id int64) *producer {
	return &producer{id: id, epoch: noProducerEpoch, coordinatorEpoch: -1, txnFirst: -1}
}

// remember appends a batch and forgets the oldest beyond batchesKept. Another epoch forgets them all.
func (p *producer) remember(epoch int16, b producerBatch, window int) {
	if p.epoch != epoch {
		p.epoch, p.kept = epoch, 0
	}
	if int(p.kept) >= window {
		copy(p.batches[:], p.batches[int(p.kept)-window+1:p.kept])
		p.kept = uint8(window - 1)
	}
	p.batches[p.kept] = b
	p.kept++
}

// last is the newest batch; ok is false when none is known.
func (p *producer) last() (producerBatch, bool) {
	if p.kept == 0 {
		return producerBatch{}, false
	}
	return p.batches[p.kept-1], true
}

// find returns the remembered batch with exactly these sequences.
func (p *producer) find(epoch int16, first, last int32) (producerBatch, bool) {
	if p.epoch != epoch {
		return producerBatch{}, false
	}
	for _, b := range p.batches[:p.kept] {
		if b.lastSequence == last && b.firstSequence() == first {
			return b, true
		}
	}
	return producerBatch{}, false
}

// producerTable is the producers of one log. It belongs to the appender (Log.mu). Appends of producers without an id
// do not touch it.
type producerTable struct {
	byID   map[int64]*producer
	window int // batchesKept, but for a planted bug in a test
}

func newProducerTable() producerTable { return producerTable{window: batchesKept} }

// ProducerState is one producer for DescribeProducers.
type ProducerState struct {
	ProducerID             int64
	ProducerEpoch          int16
	LastSequence           int32         // -1 when none is known
	LastOffset             record.Offset // -1 when none is known
	LastTimestamp          int64         // ms
	CoordinatorEpoch       int32
	CurrentTxnStartOffset  record.Offset // -1 without an open transaction
	RememberedBatchesCount int
}

func (t *producerTable) get(id int64) *producer { return t.byID[id] }

func (t *producerTable) obtain(id int64) *producer {
	p := t.byID[id]
	if p == nil {
		p = newProducer(id)
		if t.byID == nil {
			t.byID = map[int64]*producer{}
		}
		t.byID[id] = p
	}
	return p
}

// sorted lists the producers by id, so that what is made of them is the same in every run.
func (t *producerTable) sorted() []*producer {
	all := make([]*producer, 0, len(t.byID))
	for _, p := range t.byID {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *producer) int { return cmp.Compare(a.id, b.id) })
	return all
}

// expire forgets producers that have been silent for too long and have no open transaction.
func (t *producerTable) expire(now, silence int64) {
	for id, p := range t.byID {
		if p.txnFirst < 0 && now-p.lastSeen >= silence {
			delete(t.byID, id)
		}
	}
}

// bound keeps the table within max: beyond it the eighth that was silent longest is forgotten, as if expired.
func (t *producerTable) bound(max int) {
	if len(t.byID) <= max {
		return
	}
	all := t.sorted()
	slices.SortStableFunc(all, func(a, b *producer) int { return cmp.Compare(a.lastSeen, b.lastSeen) })
	for _, p := range all[:len(all)-max+max/8] {
		if p.txnFirst < 0 {
			delete(t.byID, p.id)
		}
	}
}

// sequencing is the verdict on the batches of one append that come from idempotent producers.
type sequencing struct {
	duplicate bool
	first     producerBatch // of a duplicate: the batch that was appended then
	last      producerBatch
}

// check decides on the batches of an append before anything is written (KIP-98, KIP-360): a batch that is remembered
// is a duplicate, an older epoch is refused, a new epoch begins with sequence 0, and within an epoch sequences follow
// each other. A producer of which nothing is known may begin anywhere: its state may have expired with its records.
func (t *producerTable) check(batches []batchInfo, origin Origin, name TopicPartition) (sequencing, error) {
	var result sequencing
	for i := range batches {
		b := &batches[i]
		if b.producerID == record.NoProducerID {
			if result.duplicate {
				return result, mixedDuplicates(name)
			}
			continue
		}
		p := t.get(b.producerID)
		if origin == Client && p != nil {
			if was, ok := p.find(b.producerEpoch, b.baseSequence, b.lastSequence); ok {
				if i > 0 && !result.duplicate {
					return result, mixedDuplicates(name)
				}
				if i == 0 {
					result.first = was
				}
				result.duplicate, result.last = true, was
				continue
			}
		}
		if result.duplicate {
			return result, mixedDuplicates(name)
		}
		if err := checkProducer(p, batches[:i], b, origin, name); err != nil {
			return result, err
		}
	}
	return result, nil
}

func mixedDuplicates(name TopicPartition) error {
	return protocol.Fail(protocol.OutOfOrderSequenceNumber,
		"%s: some batches of the request were appended before and some were not; send each batch as it was sent first", name)
}

// checkProducer judges one batch against what is known and against earlier batches of the same append.
func checkProducer(p *producer, earlier []batchInfo, b *batchInfo, origin Origin, name TopicPartition) error {
	epoch, lastSequence, known := noProducerEpoch, record.NoSequence, false
	if p != nil {
		epoch = p.epoch
		if last, ok := p.last(); ok {
			lastSequence, known = last.lastSequence, true
		}
	}
	for i := range earlier {
		if earlier[i].producerID == b.producerID {
			epoch, lastSequence, known = earlier[i].producerEpoch, earlier[i].lastSequence, true
		}
	}
	if b.producerEpoch < epoch && origin != Replica {
		return protocol.Fail(protocol.InvalidProducerEpoch,
			"%s: producer %d sent epoch %d and epoch %d was seen: a newer instance of the producer took over", name, b.producerID, b.producerEpoch, epoch)
	}
	if origin != Client || epoch == noProducerEpoch {
		return nil
	}
	if b.producerEpoch != epoch {
		if b.baseSequence != 0 {
			return protocol.Fail(protocol.OutOfOrderSequenceNumber,
				"%s: producer %d begins epoch %d with sequence %d; it must be 0", name, b.producerID, b.producerEpoch, b.baseSequence)
		}
		return nil
	}
	want := record.AddSequence(max(lastSequence, 0), 1)
	if !known {
		want = 0
	}
	if b.baseSequence != want {
		return protocol.Fail(protocol.OutOfOrderSequenceNumber,
			"%s: producer %d sent sequence %d where %d was due: a batch between is missing", name, b.producerID, b.baseSequence, want)
	}
	return nil
}

// apply takes in a batch that was appended, or found by recovery.
func (t *producerTable) apply(b *batchInfo, now int64) {
	if b.producerID == record.NoProducerID {
		return
	}
	p := t.obtain(b.producerID)
	p.lastSeen = max(p.lastSeen, now, b.maxTimestamp)
	if b.control {
		if p.epoch != b.producerEpoch {
			p.epoch, p.kept = b.producerEpoch, 0
		}
		p.txnFirst = -1
		return
	}
	if b.producerEpoch < p.epoch {
		return // a replica's copy of what its leader let pass
	}
	p.remember(b.producerEpoch, producerBatch{
		lastOffset:   b.last,
		timestamp:    b.maxTimestamp,
		lastSequence: b.lastSequence,
		offsetDelta:  int32(b.last - b.first),
	}, t.window)
	if b.transactional && p.txnFirst < 0 {
		p.txnFirst = b.first
	}
}

// describe lists the producers for DescribeProducers, by id.
func (t *producerTable) describe() []ProducerState {
	states := make([]ProducerState, 0, len(t.byID))
	for _, p := range t.sorted() {
		s := ProducerState{
			ProducerID:             p.id,
			ProducerEpoch:          p.epoch,
			LastSequence:           record.NoSequence,
			LastOffset:             -1,
			LastTimestamp:          p.lastSeen,
			CoordinatorEpoch:       p.coordinatorEpoch,
			CurrentTxnStartOffset:  p.txnFirst,
			RememberedBatchesCount: int(p.kept),
		}
		if last, ok := p.last(); ok {
			s.LastSequence, s.LastOffset, s.LastTimestamp = last.lastSequence, last.lastOffset, last.timestamp
		}
		states = append(states, s)
	}
	return states
}
