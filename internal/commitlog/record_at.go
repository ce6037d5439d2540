package commitlog

import "github.com/skein-io/skein/internal/record"

// RecordAt finds the record that a consumer at an offset is given next: the first that is left from there on and below
// upTo and is no marker; ok is false when there is none. It decodes the batch that holds it.
func (l *Log) RecordAt(from, upTo record.Offset) (found TimestampOffset, ok bool, err error) {
	if err := l.dir.Offline(); err != nil {
		return TimestampOffset{}, false, err
	}
	l.structure.RLock()
	defer l.structure.RUnlock()
	from, upTo = max(from, l.StartOffset()), min(upTo, l.EndOffset())
	for i := max(l.find(from), 0); i < len(l.segments) && !ok; i++ {
		s := l.segments[i]
		if s.base >= upTo {
			break
		}
		if found, ok, err = s.recordAt(from, upTo, l.limits()); err != nil {
			return TimestampOffset{}, false, l.readFailed(err)
		}
	}
	return found, ok, nil
}

// recordAt is RecordAt within one segment.
func (s *segment) recordAt(from, upTo record.Offset, limits record.Limits) (found TimestampOffset, ok bool, err error) {
	err = s.visit(max(from, s.base), func(b record.Batch, whole func() (record.Batch, error)) (bool, error) {
		if b.BaseOffset() >= upTo {
			return false, nil
		}
		if b.Control() || b.Count() == 0 || b.LastOffset() < from {
			return true, nil
		}
		if b, err = whole(); err != nil {
			return false, err
		}
		offset, at, hit, err := b.FirstFrom(from, limits)
		if err != nil || !hit {
			return err == nil, err
		}
		found, ok = TimestampOffset{at, offset}, offset < upTo
		return false, nil
	})
	return found, ok && err == nil, err
}

// BatchTime is the largest timestamp of the batch that holds an offset, or of the next that is left; ok is false when
// there is none, or when its records have no time. It reads a header and no record.
func (l *Log) BatchTime(offset record.Offset) (timestamp int64, ok bool, err error) {
	if err := l.dir.Offline(); err != nil {
		return record.NoTimestamp, false, err
	}
	l.structure.RLock()
	defer l.structure.RUnlock()
	timestamp = record.NoTimestamp
	for i := max(l.find(offset), 0); i < len(l.segments) && !ok; i++ {
		s := l.segments[i]
		err := s.visit(max(offset, s.base), func(b record.Batch, _ func() (record.Batch, error)) (bool, error) {
			timestamp, ok = largestTime(b), true
			return false, nil
		})
		if err != nil {
			return record.NoTimestamp, false, l.readFailed(err)
		}
	}
	return timestamp, timestamp != record.NoTimestamp, nil
}
