package commitlog

import (
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Read returns whole batches, from the one that holds from, or the first after it where compaction left a gap, up to
// those that end below upTo, of at most maxBytes in all; if atLeastOne, the first batch even if it is larger. The
// batches are of one segment: a reader comes again for the next. An empty Slice says that there is nothing below upTo.
// OFFSET_OUT_OF_RANGE outside the log. The caller releases the Slice, also an empty one.
func (l *Log) Read(from, upTo record.Offset, maxBytes int, atLeastOne bool) (Slice, error) {
	if err := l.dir.Offline(); err != nil {
		return Slice{}, err
	}
	end := l.EndOffset()
	if from < l.StartOffset() || from > end {
		return Slice{}, l.outOfRange(from)
	}
	upTo = min(upTo, end)
	if l.dir.faults.ignoresBound() {
		upTo = end
	}
	if from >= upTo {
		return Slice{}, nil
	}
	l.structure.RLock()
	defer l.structure.RUnlock()
	for i := max(l.find(from), 0); i < len(l.segments); i++ {
		s := l.segments[i]
		if s.base >= upTo {
			break
		}
		slice, err := s.read(from, upTo, int64(maxBytes), atLeastOne)
		if err != nil {
			return Slice{}, l.readFailed(err)
		}
		if slice.release {
			return slice, nil
		}
		if from < s.nextOffset() { // there is a batch, but it does not fit
			break
		}
	}
	return Slice{}, nil
}

func (l *Log) outOfRange(offset record.Offset) error {
	return protocol.Fail(protocol.OffsetOutOfRange, "%s holds offsets %d to %d; %d was asked for", l.name, l.StartOffset(), l.EndOffset(), offset)
}

// readFailed says which log could not be read. A flaw in what was durable is damage, named as such; the log is left
// as it is.
func (l *Log) readFailed(err error) error {
	return storageError("read "+l.name.String(), err)
}

// read is Read within one segment. The Slice holds the file if it has any bytes.
func (s *segment) read(from, upTo record.Offset, maxBytes int64, atLeastOne bool) (Slice, error) {
	size := s.size.Load()
	next := s.nextOffset()
	if size == 0 || from >= next {
		return Slice{}, nil
	}
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return Slice{}, err
	}
	part, err := s.span(file, from, upTo, size, next, maxBytes, atLeastOne)
	if err != nil || part.Length == 0 {
		s.files.release(&s.log)
		return Slice{}, err
	}
	return Slice{part: part, files: s.files, file: &s.log, release: true}, nil
}

// span finds where the bytes begin and end.
func (s *segment) span(file disk.File, from, upTo record.Offset, size int64, next record.Offset, maxBytes int64, atLeastOne bool) (Range, error) {
	first, err := s.seek(file, from, size)
	if err != nil || first.position >= size {
		return Range{}, err
	}
	limit := size
	if upTo < next {
		if limit, err = s.positionOf(file, upTo, size); err != nil {
			return Range{}, err
		}
	}
	end := limit
	if maxBytes < limit-first.position {
		if end, err = s.lastBoundary(file, first, limit, maxBytes); err != nil {
			return Range{}, err
		}
		if end == first.position && atLeastOne {
			end = first.position + int64(first.size)
		}
	}
	if end <= first.position || end > limit {
		return Range{}, nil
	}
	return Range{File: file, Position: first.position, Length: end - first.position}, nil
}

// place is a batch found in a file.
type place struct {
	position int64
	size     int
	first    record.Offset
	last     record.Offset
}

// seek finds the first batch whose last offset is at least offset; position is size if there is none. Where it finds a gap, which
// compaction leaves, it looks whether the batch before it says rightly where it ends: one that has rotted may hold the offset.
func (s *segment) seek(file disk.File, offset record.Offset, size int64) (place, error) {
	position, ok := s.recent.find(offset)
	if !ok {
		var err error
		if position, err = s.nearby(file, offset, size); err != nil {
			return place{}, err
		}
	}
	w := walk(file, position, size)
	defer w.close()
	var before place
	for {
		b, at, more, err := w.next()
		if err != nil {
			return place{}, s.damaged(err, at, offset)
		}
		found := place{position: size, first: s.nextOffset()}
		if more {
			found = place{at, b.Length(), b.BaseOffset(), b.LastOffset()}
			if found.last >= s.nextOffset() || found.first < s.base || found.last < found.first {
				return place{}, &DamagedError{File: s.log.name, Position: at, Offset: offset, Reason: "a batch states offsets beyond its segment"}
			}
		}
		if more && found.last < offset {
			before = found
			continue
		}
		if found.first > offset && before.size > 0 {
			if _, err := s.batchAt(file, before.position, before.size, before.first); err != nil {
				return place{}, err
			}
		}
		return found, nil
	}
}

// nearby is the position of a batch at or before the one that holds an offset, as the index has it.
func (s *segment) nearby(file disk.File, offset record.Offset, size int64) (int64, error) {
	e, ok, err := s.index.lookup(offset)
	if err != nil || !ok {
		return 0, err
	}
	return s.confirmed(file, e, size)
}

// confirmed looks whether an index entry points at the batch that it names. If not, the index has rotted: the way from
// the segment's beginning is longer, but right.
func (s *segment) confirmed(file disk.File, e indexed, size int64) (int64, error) {
	var header [record.HeaderSize]byte
	if e.position < 0 || e.position+record.HeaderSize > size {
		return 0, nil
	}
	if err := readFull(file, header[:], e.position); err != nil {
		return 0, err
	}
	b := record.Batch(header[:])
	if b.Magic() != record.Magic || b.LastOffset() != e.last {
		return 0, nil
	}
	return e.position, nil
}

// positionOf finds where the first batch that ends at or above an offset begins: the end of what lies below it.
func (s *segment) positionOf(file disk.File, offset record.Offset, size int64) (int64, error) {
	if position, ok := s.recent.find(offset); ok {
		return min(position, size), nil
	}
	p, err := s.seek(file, offset, size)
	return p.position, err
}

// lastBoundary finds the last place between two batches within maxBytes of the first batch. It asks the index, which
// knows one every few KiB, and steps on from there when batches are small enough for that to be worth it.
func (s *segment) lastBoundary(file disk.File, first place, limit, maxBytes int64) (int64, error) {
	want := min(first.position+maxBytes, limit)
	if int64(first.size) > maxBytes {
		return first.position, nil
	}
	position := int64(0)
	e, ok, err := s.index.boundary(want)
	if err == nil && ok {
		position, err = s.confirmed(file, e, limit)
	}
	if err != nil {
		return 0, err
	}
	if b, ok := s.recent.atOrBelow(want); ok && b.position > position {
		position = b.position
	}
	position = max(position, first.position+int64(first.size))
	w := walk(file, position, limit)
	defer w.close()
	for {
		b, at, more, err := w.next()
		if err != nil {
			return 0, s.damaged(err, at, first.first)
		}
		if !more {
			return limit, nil
		}
		if at+int64(b.Length()) > want {
			if at < limit {
				s.recent.put(b.BaseOffset(), at)
			}
			return at, nil
		}
	}
}

// damaged turns a flaw of the bytes into a DamagedError: what is read has been in place for good.
func (s *segment) damaged(err error, position int64, offset record.Offset) error {
	if flaw, ok := err.(flawError); ok {
		return &DamagedError{File: s.log.name, Position: position, Offset: offset, Reason: string(flaw)}
	}
	return err
}
