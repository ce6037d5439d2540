package commitlog

import (
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// Below the durable mark recovery and truncation learn of producers from headers, and the checksum that covers a header is that of
// the whole batch. A header that has rotted would fence a producer until it is forgotten, take a new batch for one that was sent
// before, or append one for the second time. So what a log then knows of its producers is held against whole batches: against those
// that are remembered, five of each producer at most, and those that name a producer and changed nothing. A batch that has been
// forgotten since does no harm, whatever it says.

// passesOver says whether a batch names a producer, and yet is none that apply remembers.
func (t *producerTable) passesOver(b *batchInfo) bool {
	if b.producerID == record.NoProducerID {
		return false
	}
	epoch := noProducerEpoch
	if p := t.get(b.producerID); p != nil {
		epoch = p.epoch
	}
	return b.control || b.producerEpoch < epoch
}

// restsOn is where the batches begin, at or above from and below end, that the table remembers.
func (t *producerTable) restsOn(from, end record.Offset) []record.Offset {
	var first []record.Offset
	add := func(o record.Offset) {
		if o >= from && o < end {
			first = append(first, o)
		}
	}
	for _, p := range t.byID {
		for _, b := range p.batches[:p.kept] {
			add(b.firstOffset())
		}
		add(p.txnFirst)
	}
	return first
}

// checkProducers reads the batches whole on which a table rests that was made from the headers between two offsets, and those that
// it passed over. A *DamagedError says that one of them has rotted.
func (l *Log) checkProducers(t *producerTable, passed []record.Offset, from, end record.Offset) error {
	wanted := append(passed, t.restsOn(from, end)...)
	slices.Sort(wanted)
	for _, s := range l.segments {
		if len(wanted) == 0 {
			return nil
		}
		if s.nextOffset() <= wanted[0] {
			continue
		}
		err := s.visit(wanted[0], func(b record.Batch, whole func() (record.Batch, error)) (bool, error) {
			var err error
			if b.BaseOffset() == wanted[0] {
				_, err = whole()
			}
			for len(wanted) > 0 && wanted[0] <= b.BaseOffset() {
				wanted = wanted[1:]
			}
			return len(wanted) > 0, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
