package commitlog

import (
	"github.com/skein-io/skein/internal/record"
)

// The file with the leader epochs has no checksum, for it is Kafka's. A digit that has rotted would make a replica cut what is
// committed, or a leader have its followers cut it. So recovery holds it against the batches: at each place where an epoch is said to
// begin, the batch there has to be of that epoch and the one before of the epoch before. As epochs ascend in a log, nothing else
// can be wrong then. Where compaction has left a gap, nothing is known, and the file is believed.

// checkEpochs reads the epochs from the log if the file contradicts it.
func (r *recovering) checkEpochs() error {
	l := r.log
	if !r.known || len(l.segments) == 0 {
		return nil
	}
	ok, err := r.epochsHold()
	if ok || err != nil {
		return err
	}
	l.dir.config.Logger.Warn("leader epochs are read from the log instead", "log", l.name.String(), "cause", epochFile+" contradicts it")
	l.epochs.set(nil)
	for _, s := range l.segments {
		if err := s.eachHeader(func(b record.Batch) { l.epochs.assign(b.LeaderEpoch(), b.BaseOffset()) }); err != nil {
			return err
		}
	}
	return nil
}

// epochsHold says whether nothing in the log contradicts the epochs.
func (r *recovering) epochsHold() (bool, error) {
	before := EpochStart{Epoch: record.NoLeaderEpoch, Start: r.low}
	for _, e := range r.log.epochs.snapshot() {
		if e.Start >= r.next {
			break // it goes with what was cut
		}
		if ok, err := r.ends(before, e.Start); !ok || err != nil {
			return ok, err
		}
		b, some, err := r.log.headerAt(e.Start)
		if err != nil || some && (b.LeaderEpoch() < e.Epoch || b.BaseOffset() <= e.Start && b.LeaderEpoch() != e.Epoch) {
			return false, err
		}
		before = e
	}
	return r.ends(before, r.next)
}

// ends says whether the last record below an end may be of an epoch, of which it is the last.
func (r *recovering) ends(e EpochStart, end record.Offset) (bool, error) {
	if end <= max(r.low, r.log.segments[0].base) {
		return true, nil
	}
	b, some, err := r.log.headerAt(end - 1)
	return err == nil && (!some || b.BaseOffset() >= end || b.LeaderEpoch() == e.Epoch || b.LeaderEpoch() < 0), err
}

// headerAt is the header of the first batch that ends at or above an offset.
func (l *Log) headerAt(offset record.Offset) (header record.Batch, ok bool, err error) {
	for _, s := range l.segments[max(l.find(offset), 0):] {
		if header, ok, err = s.headerAt(offset); ok || err != nil {
			return header, ok, err
		}
	}
	return nil, false, nil
}

func (s *segment) headerAt(offset record.Offset) (record.Batch, bool, error) {
	size := s.size.Load()
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return nil, false, err
	}
	defer s.files.release(&s.log)
	p, err := s.seek(file, offset, size)
	if err != nil || p.position >= size {
		return nil, false, err
	}
	header := make(record.Batch, record.HeaderSize)
	return header, true, readFull(file, header, p.position)
}

// eachHeader calls f for each batch of the segment.
func (s *segment) eachHeader(f func(record.Batch)) error {
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer s.files.release(&s.log)
	w := walk(file, 0, s.size.Load())
	defer w.close()
	for {
		b, at, ok, err := w.next()
		if err != nil {
			return s.damaged(err, at, s.base)
		}
		if !ok {
			return nil
		}
		f(b)
	}
}
