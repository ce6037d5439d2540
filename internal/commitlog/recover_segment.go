package commitlog

import (
	"errors"
	"fmt"
	"math"

	"github.com/skein-io/skein/internal/record"
)

// trust takes over a sealed segment below the mark by the sizes of its files. Indexes that cannot be right are built
// again.
func (r *recovering) trust(i int) error {
	s := r.log.segments[i]
	r.next = r.log.segments[i+1].base
	if s.size.Load() == 0 {
		return &DamagedError{File: s.log.name, Offset: s.base, Reason: "the segment is empty"}
	}
	sound, err := r.soundIndexes(s)
	if err != nil || sound {
		return err
	}
	return r.rebuild(i)
}

// soundIndexes looks at sizes and last entries. It sets how many entries are on disk.
func (r *recovering) soundIndexes(s *segment) (bool, error) {
	index, ok := r.content.sizes[fileName(s.base, indexSuffix)]
	times, okTimes := r.content.sizes[fileName(s.base, timeIndexSuffix)]
	if !ok || !okTimes || index%offsetEntrySize != 0 || times%timeEntrySize != 0 {
		return false, nil
	}
	s.index.flushed, s.times.flushed = int(index/offsetEntrySize), int(times/timeEntrySize)
	width := int64(s.nextOffset() - s.base)
	if s.index.flushed > 0 {
		e, err := s.index.entry(s.index.flushed - 1)
		if err != nil {
			return false, err
		}
		if int64(e.relative) >= width || e.relative < 0 || e.position <= 0 || int64(e.position) >= s.size.Load() {
			return false, nil // or the file is too short: rebuilding will tell
		}
	}
	if s.times.flushed > 0 {
		e, err := s.times.onDisk(s.times.flushed - 1)
		if err != nil {
			return false, err
		}
		if int64(e.relative) >= width || e.relative < 0 || e.timestamp < 0 {
			return false, nil
		}
	}
	return true, nil
}

// rebuild makes the indexes of a sealed segment again, from its headers.
func (r *recovering) rebuild(i int) error {
	l := r.log
	s := l.segments[i]
	r.log.recovery.RebuiltIndexes++
	interval := l.config.Load().IndexIntervalBytes
	s.index.keep(0)
	if _, err := s.times.keep(0); err != nil {
		return err
	}
	next := r.next
	r.next = s.base
	err := r.steps(i, 0, s.size.Load(), func(b record.Batch, position int64) {
		s.note(b.LastOffset(), position, int64(b.Length()), largestTime(b), interval)
	})
	ended := r.next
	r.next = next
	s.next.Store(int64(next))
	if err != nil {
		return err
	}
	if ended != next && next > r.low && next-ended <= math.MaxInt32 {
		return &DamagedError{File: s.log.name, Position: s.size.Load(), Offset: ended, Reason: fmt.Sprintf("it ends there, and the next segment begins with %d", next)}
	}
	return l.sealIndexes(s)
}

// sealIndexes writes what is in memory of a segment's indexes over what is in the files.
func (l *Log) sealIndexes(s *segment) error {
	s.times.add()
	if err := l.trimIndexFiles(s); err != nil {
		return err
	}
	if err := s.flushIndexes(); err != nil {
		return err
	}
	for _, f := range []*cachedFile{&s.index.file, &s.times.file} {
		if _, err := l.files.acquire(f); err != nil {
			return err
		}
		l.wroteFile(f)
		l.files.release(f)
	}
	return nil
}

// trimIndexFiles cuts the index files to the entries that count.
func (l *Log) trimIndexFiles(s *segment) error {
	trim := func(f *cachedFile, size int64) error {
		file, err := l.files.acquire(f)
		if missing(err) && size == 0 {
			s.indexesMade = false
			return nil
		}
		if err != nil {
			return err
		}
		defer l.files.release(f)
		return file.Truncate(size)
	}
	if err := trim(&s.index.file, int64(s.index.flushed)*offsetEntrySize); err != nil {
		return err
	}
	return trim(&s.times.file, int64(s.times.flushed)*timeEntrySize)
}

// enter recovers a segment that holds batches above the snapshot or above the mark.
func (r *recovering) enter(i int, from record.Offset) error {
	l := r.log
	s := l.segments[i]
	s.times.known = true
	position, indexed, err := r.entry(i, from)
	if err != nil {
		return err
	}
	s.checkpoint = position
	interval := l.config.Load().IndexIntervalBytes
	seen := s.created
	err = r.steps(i, position, s.size.Load(), func(b record.Batch, at int64) {
		info := describeBatch(b)
		if info.first >= indexed {
			s.note(info.last, at, int64(info.size), info.maxTimestamp, interval)
		}
		l.epochs.assign(info.epoch, info.first)
		if info.first < from { // the snapshot knows them
			s.checkpoint = at + int64(info.size)
			return
		}
		if l.producers.passesOver(&info) && info.first < r.mark {
			r.passed = append(r.passed, info.first)
		}
		l.producers.apply(&info, seen)
	})
	if err != nil {
		return err
	}
	if r.cut == nil && i+1 < len(l.segments) { // sealed, but not vouched for
		l.recovery.RebuiltIndexes++
		if err := l.sealIndexes(s); err != nil {
			return err
		}
	}
	return r.firstTime(s)
}

// entry is the position from which a segment is stepped over: near the snapshot if index entries up to there can be
// trusted, else its beginning. The index is left with exactly the entries that are trusted: those below indexed.
func (r *recovering) entry(i int, from record.Offset) (position int64, indexed record.Offset, err error) {
	s := r.log.segments[i]
	if from <= s.base || !r.vouched(from) {
		return 0, s.base, r.forgetIndexes(s)
	}
	sound, err := r.indexesUpTo(s, from)
	if err != nil {
		return 0, s.base, err
	}
	if !sound {
		return 0, s.base, r.forgetIndexes(s)
	}
	e, ok, err := s.index.lookup(from - 1)
	if err != nil {
		return 0, s.base, err
	}
	if ok {
		position = e.position // pointsRight has looked
	}
	return position, from, r.log.trimIndexFiles(s)
}

func (r *recovering) forgetIndexes(s *segment) error {
	s.index.keep(0)
	if _, err := s.times.keep(0); err != nil {
		return err
	}
	return r.log.trimIndexFiles(s)
}

// indexesUpTo keeps the entries on disk that lie below an offset, and looks whether the last one points at the batch
// that it names.
func (r *recovering) indexesUpTo(s *segment, offset record.Offset) (bool, error) {
	index, ok := r.content.sizes[fileName(s.base, indexSuffix)]
	times, okTimes := r.content.sizes[fileName(s.base, timeIndexSuffix)]
	if !ok || !okTimes {
		return false, nil
	}
	limit := int32(offset - s.base)
	var err error
	s.index.flushed, err = countBelow(s.files, &s.index.file, int(index/offsetEntrySize), offsetEntrySize,
		func(b []byte) bool { return decodeOffsetEntry(b).relative < limit })
	if err != nil {
		return false, err
	}
	kept, err := countBelow(s.files, &s.times.file, int(times/timeEntrySize), timeEntrySize,
		func(b []byte) bool { return decodeTimeEntry(b).relative < limit })
	if err != nil {
		return false, err
	}
	s.times.flushed = int(times / timeEntrySize)
	if ascends, err := s.times.ascendsTo(kept); err != nil || !ascends {
		return false, err
	}
	if _, err := s.times.keep(kept); err != nil {
		return false, err
	}
	return r.pointsRight(s)
}

func (r *recovering) pointsRight(s *segment) (bool, error) {
	if s.index.flushed == 0 {
		return true, nil
	}
	e, err := s.index.entry(s.index.flushed - 1)
	if err != nil {
		return false, err
	}
	if int64(e.position)+record.HeaderSize > s.size.Load() || e.position < 0 {
		return false, nil
	}
	var header [record.HeaderSize]byte
	if err := s.files.readAt(&s.log, header[:], int64(e.position)); err != nil {
		return false, err
	}
	b := record.Batch(header[:])
	return b.Magic() == record.Magic && b.LastOffset() == s.base+record.Offset(e.relative), nil
}

// firstTime reads the timestamp of the segment's first batch, from which segment.ms counts.
func (r *recovering) firstTime(s *segment) error {
	if s.firstTime != record.NoTimestamp || s.size.Load() < record.HeaderSize || r.cut != nil && r.cut.position == 0 {
		return nil
	}
	var header [record.HeaderSize]byte
	if err := s.files.readAt(&s.log, header[:], 0); err != nil {
		return err
	}
	s.firstTime = record.Batch(header[:]).MaxTimestamp()
	return nil
}

// steps calls visit for each batch of a segment from a position on, in order, and moves next. Below the mark it looks
// at headers only; above it at every byte. A flaw above the mark sets cut and is no error; below it is damage.
func (r *recovering) steps(i int, position, end int64, visit func(b record.Batch, position int64)) error {
	s := r.log.segments[i]
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer s.files.release(&s.log)
	w := walk(file, position, end)
	defer w.close()
	for {
		b, at, ok, err := r.step(w, s)
		if err == nil && ok && r.rewrites() {
			_, err = file.WriteAt(b, at)
		}
		if flaw, bad := errors.AsType[flawError](err); bad {
			return r.flawed(i, at, string(flaw))
		}
		if err != nil {
			return err
		}
		if !ok {
			s.next.Store(int64(max(r.next, s.base)))
			return nil
		}
		visit(b, at)
		r.next = b.NextOffset()
	}
}

// rewrites says whether batches above the mark are written again. Not in page-cache mode, where nothing is promised of
// them, and not where another program wrote them.
func (r *recovering) rewrites() bool {
	return r.next >= r.mark && !r.log.pageCache() && (r.known || !r.log.dir.foreign())
}

// step reads the next batch and checks that it can follow.
func (r *recovering) step(w *walker, s *segment) (b record.Batch, at int64, ok bool, err error) {
	whole := r.next >= r.mark
	counter := &r.log.recovery.HeaderBatches
	if whole {
		counter = &r.log.recovery.CheckedBatches
		b, at, ok, err = w.nextWhole()
	} else {
		b, at, ok, err = w.next()
	}
	if err != nil || !ok {
		return b, at, ok, err
	}
	*counter++
	if b.BaseOffset() < r.next || b.LastOffsetDelta() < 0 || !s.fits(b.LastOffset()) {
		return b, at, false, flawError(fmt.Sprintf("offsets %d to %d cannot follow %d", b.BaseOffset(), b.LastOffset(), r.next))
	}
	if !whole && r.mark > r.low && b.NextOffset() > r.mark { // a round covers whole batches
		return b, at, false, flawError(fmt.Sprintf("offsets %d to %d were synced up to %d only", b.BaseOffset(), b.LastOffset(), r.mark))
	}
	if r.cutting && b.BaseOffset() >= r.cutTo {
		return b, at, false, flawError("a truncation to here was under way")
	}
	if whole && !r.log.dir.faults.keepsTail() {
		if err := b.Check(); err != nil {
			return b, at, false, flawError(err.Error())
		}
	}
	return b, at, true, nil
}

// flawed decides what a flaw means: damage below the mark, a torn tail above it.
func (r *recovering) flawed(i int, position int64, reason string) error {
	s := r.log.segments[i]
	if r.known && r.next < r.mark && !r.log.dir.faults.cutsBelowMark() {
		return &DamagedError{File: s.log.name, Position: position, Offset: r.next, Reason: reason}
	}
	r.cut = &cutPlace{segment: i, position: position, reason: reason}
	return nil
}

// cutTail removes everything from the first flaw on and reports it.
func (r *recovering) cutTail() error {
	l := r.log
	s := l.segments[r.cut.segment]
	removed := s.size.Load() - r.cut.position
	for _, later := range l.segments[r.cut.segment+1:] {
		removed += later.size.Load()
		later.drop()
		if err := l.removeFiles(later); err != nil {
			return err
		}
	}
	l.segments = l.segments[:r.cut.segment+1]
	file, err := l.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer l.files.release(&s.log)
	if err := file.Truncate(r.cut.position); err != nil {
		return err
	}
	if err := file.Sync(); err != nil { // or a later crash brings back what was cut, behind what is appended now
		return err
	}
	if err := l.dir.fs.SyncDir(l.folder); err != nil {
		return err
	}
	s.size.Store(r.cut.position)
	s.next.Store(int64(max(r.next, s.base)))
	l.recovery.Cut, l.recovery.CutFile, l.recovery.CutPosition = true, s.log.name, r.cut.position
	l.recovery.CutBytes, l.recovery.CutReason = removed, r.cut.reason
	l.dir.config.Logger.Warn("torn tail is cut: these bytes were never acknowledged as durable", "file", s.log.name,
		"position", r.cut.position, "bytes", removed, "cause", r.cut.reason, "log_end_offset", int64(r.next))
	return nil
}
