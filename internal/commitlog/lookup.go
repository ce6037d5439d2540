package commitlog

import (
	"errors"

	"github.com/skein-io/skein/internal/record"
)

// OffsetForTimestamp finds the first record below upTo whose timestamp is at least the given one, in milliseconds since
// 1970; ok is false when there is none. It decodes the batch that holds it.
func (l *Log) OffsetForTimestamp(timestamp int64, upTo record.Offset) (TimestampOffset, bool, error) {
	if err := l.dir.Offline(); err != nil {
		return TimestampOffset{}, false, err
	}
	l.structure.RLock()
	defer l.structure.RUnlock()
	start := l.StartOffset()
	upTo = min(upTo, l.EndOffset())
	for _, s := range l.segments {
		if s.base >= upTo {
			break
		}
		if s.nextOffset() <= start {
			continue
		}
		largest, err := s.largest()
		if err != nil {
			return TimestampOffset{}, false, l.readFailed(err)
		}
		if largest.Timestamp < timestamp {
			continue
		}
		found, ok, err := s.firstAt(timestamp, start, upTo, l.limits())
		if err != nil || ok {
			return found, ok, l.lookupFailed(err)
		}
	}
	return TimestampOffset{}, false, nil
}

func (l *Log) lookupFailed(err error) error {
	if err == nil {
		return nil
	}
	return l.readFailed(err)
}

func (l *Log) limits() record.Limits {
	return record.Limits{DecompressedBytesMax: l.config.Load().DecompressedBytesMax}
}

// firstAt finds the record within a segment.
func (s *segment) firstAt(timestamp int64, start, upTo record.Offset, limits record.Limits) (found TimestampOffset, ok bool, err error) {
	from, err := s.after(timestamp)
	if err != nil {
		return found, false, err
	}
	err = s.visit(max(from, start), func(b record.Batch, whole func() (record.Batch, error)) (bool, error) {
		if b.BaseOffset() >= upTo {
			return false, nil
		}
		if largestTime(b) < timestamp || b.LastOffset() < start {
			return true, nil
		}
		if b, err = whole(); err != nil {
			return false, err
		}
		offset, at, hit, err := firstRecordAt(b, timestamp, start, limits)
		if err != nil || !hit {
			return err == nil, err
		}
		found, ok = TimestampOffset{at, offset}, offset < upTo
		return false, nil
	})
	return found, ok, err
}

// after is an offset below which every record of the segment is older than timestamp, as the time index has it.
func (s *segment) after(timestamp int64) (record.Offset, error) {
	e, ok, err := s.times.before(timestamp)
	if err != nil || !ok {
		return s.base, err
	}
	if right, err := s.bears(e); err != nil || !right {
		return s.base, err
	}
	return e.Offset + 1, nil
}

// bears looks whether the batch that an entry of the time index names is there and has its timestamp. If not, the index
// has rotted.
func (s *segment) bears(e TimestampOffset) (bool, error) {
	if e.Offset < s.base || e.Offset >= s.nextOffset() {
		return false, nil
	}
	right := false
	err := s.visit(e.Offset, func(b record.Batch, _ func() (record.Batch, error)) (bool, error) {
		right = b.LastOffset() == e.Offset && largestTime(b) == e.Timestamp
		return false, nil
	})
	return right, err
}

// largest is the largest timestamp of the segment and the last offset of the first batch that has it; NoTimestamp
// where no record has one. The active segment knows it; of a sealed one the last entry of the time index tells, if the
// log bears it out.
func (s *segment) largest() (TimestampOffset, error) {
	found, known, err := s.times.lastEntry()
	if known || err != nil {
		return found, err
	}
	right, err := s.bears(found)
	if err == nil && !right {
		found, err = s.largestOfHeaders(s.base, record.MaxOffset, record.Limits{})
	}
	if err != nil {
		return found, err
	}
	s.times.learned(found)
	return found, nil
}

// firstRecordAt finds the first record of a batch at or above start that is not older than timestamp.
func firstRecordAt(b record.Batch, timestamp int64, start record.Offset, limits record.Limits) (record.Offset, int64, bool, error) {
	if b.BaseOffset() >= start {
		return b.FirstAt(timestamp, limits)
	}
	r := b.Records(limits)
	defer r.Close()
	for r.Next() {
		if m := r.Record(); m.Offset >= start && m.Timestamp >= timestamp {
			return m.Offset, m.Timestamp, true, nil
		}
	}
	return 0, 0, false, r.Err()
}

// MaxTimestamp finds the first record below upTo that has the largest timestamp of all records below upTo (KIP-734);
// ok is false when no record has a timestamp.
func (l *Log) MaxTimestamp(upTo record.Offset) (TimestampOffset, bool, error) {
	if err := l.dir.Offline(); err != nil {
		return TimestampOffset{}, false, err
	}
	l.structure.RLock()
	defer l.structure.RUnlock()
	start := l.StartOffset()
	upTo = min(upTo, l.EndOffset())
	best, where := TimestampOffset{Timestamp: record.NoTimestamp}, (*segment)(nil)
	for _, s := range l.segments {
		if s.base >= upTo || s.nextOffset() <= start {
			continue
		}
		largest, err := s.largestWithin(start, upTo, l.limits())
		if err != nil {
			return TimestampOffset{}, false, l.readFailed(err)
		}
		if largest.Timestamp > best.Timestamp {
			best, where = largest, s
		}
	}
	if where == nil {
		return TimestampOffset{}, false, nil
	}
	found, ok, err := where.firstAt(best.Timestamp, start, upTo, l.limits())
	return found, ok, l.lookupFailed(err)
}

// largestWithin is the largest timestamp of the batches of a segment between two offsets. The index knows it unless
// the batch that has it lies outside, or the bounds cut through the segment.
func (s *segment) largestWithin(start, upTo record.Offset, limits record.Limits) (TimestampOffset, error) {
	largest, err := s.largest()
	if err != nil || largest.Offset < upTo && s.base >= start {
		return largest, err
	}
	return s.largestOfHeaders(start, upTo, limits)
}

// largestOfHeaders steps over the batches between two offsets. A batch that lies on a bound is looked into.
func (s *segment) largestOfHeaders(start, upTo record.Offset, limits record.Limits) (TimestampOffset, error) {
	largest := TimestampOffset{record.NoTimestamp, s.base}
	err := s.visit(max(s.base, start), func(b record.Batch, whole func() (record.Batch, error)) (bool, error) {
		if b.BaseOffset() >= upTo {
			return false, nil
		}
		t, last := largestTime(b), b.LastOffset()
		if t > largest.Timestamp && (b.BaseOffset() < start || last >= upTo) {
			inside, err := whole()
			if err == nil {
				t, err = largestBetween(inside, start, upTo, limits)
			}
			if err != nil {
				return false, err
			}
		}
		if t > largest.Timestamp {
			largest = TimestampOffset{t, last}
		}
		return true, nil
	})
	return largest, err
}

// largestBetween is the largest timestamp of a batch's records between two offsets.
func largestBetween(b record.Batch, start, upTo record.Offset, limits record.Limits) (int64, error) {
	largest := record.NoTimestamp
	r := b.Records(limits)
	defer r.Close()
	for r.Next() {
		if m := r.Record(); m.Offset >= start && m.Offset < upTo {
			largest = max(largest, m.Timestamp)
		}
	}
	return largest, r.Err()
}

// visit calls f with the headers of the batches from the one that holds an offset, in order, until it returns false.
// whole reads all of the batch and checks it.
func (s *segment) visit(from record.Offset, f func(header record.Batch, whole func() (record.Batch, error)) (bool, error)) error {
	size := s.size.Load()
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer s.files.release(&s.log)
	first, err := s.seek(file, from, size)
	if err != nil {
		return err
	}
	w := walk(file, first.position, size)
	defer w.close()
	for {
		b, at, ok, err := w.next()
		if err != nil {
			return s.damaged(err, at, from)
		}
		if !ok {
			return nil
		}
		length, offset := b.Length(), b.BaseOffset()
		whole := func() (record.Batch, error) { return s.batchAt(file, at, length, offset) }
		more, err := f(b, whole)
		if err != nil || !more {
			return err
		}
	}
}

// batchAt reads a batch into memory of its own and checks it.
func (s *segment) batchAt(file interface {
	ReadAt([]byte, int64) (int, error)
}, position int64, length int, offset record.Offset) (record.Batch, error) {
	b := make(record.Batch, length)
	if n, err := file.ReadAt(b, position); n < length {
		return nil, err
	}
	if err := b.Check(); err != nil {
		return nil, &DamagedError{File: s.log.name, Position: position, Offset: offset, Reason: err.Error()}
	}
	return b, nil
}

// Verify reads the whole log and checks every byte: lengths, checksums, offsets that ascend. It stops at the first
// flaw with a *DamagedError. It may run beside everything else, and takes as long as reading the files does.
func (l *Log) Verify() error {
	l.structure.RLock()
	segments := l.segments
	l.structure.RUnlock()
	for _, s := range segments {
		if err := s.verify(); err != nil && !errors.Is(err, ErrClosed) { // deleted or compacted meanwhile
			return l.readFailed(err)
		}
	}
	return nil
}

func (s *segment) verify() error {
	next := s.base
	err := s.eachWhole(func(b record.Batch, _ int64) error {
		next = b.NextOffset()
		return nil
	})
	if err == nil && next > s.nextOffset() {
		return &DamagedError{File: s.log.name, Position: s.size.Load(), Offset: next, Reason: "the offsets go on behind the segment's end"}
	}
	return err
}
