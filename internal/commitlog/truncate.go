package commitlog

import (
	"errors"
	"slices"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// TruncateTo removes every record from an offset on; if a batch holds both sides of it, all of the batch. The durable
// mark is lowered and synced first, so that what is missing afterwards is not taken for damage. It waits for the round
// at hand and is durable on return. A *DamagedError says that where to cut cannot be found; nothing was changed then.
func (l *Log) TruncateTo(offset record.Offset) error {
	defer l.holdCleaning()() // a compaction would bring back what goes
	s := &l.dir.syncer
	s.round.Lock()
	defer s.round.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	offset = max(offset, l.StartOffset())
	if offset >= l.EndOffset() {
		return nil
	}
	end, position, err := l.cutAt(offset)
	var producers producerTable
	if err == nil {
		producers, err = l.producersAt(end)
	}
	if _, damaged := errors.AsType[*DamagedError](err); damaged {
		return storageError("truncate "+l.name.String(), err)
	}
	if err == nil {
		err = l.truncate(end, position, producers)
	}
	if err != nil {
		return l.dir.goOffline(err)
	}
	return nil
}

// Reset removes every record and lets the log begin anew at an offset: for a replica that is behind its leader's log
// start, or a snapshot that replaces the log. It is durable on return.
func (l *Log) Reset(start record.Offset) error {
	defer l.holdCleaning()()
	s := &l.dir.syncer
	s.round.Lock()
	defer s.round.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if start < 0 || start >= record.MaxOffset {
		return l.outOfRange(start)
	}
	if err := l.reset(start); err != nil {
		return l.dir.goOffline(err)
	}
	return nil
}

func (l *Log) reset(start record.Offset) error {
	first := l.StartOffset()
	if _, ok := l.dir.mark.get(l.key()); ok {
		l.dir.mark.put(l.key(), markEntry{end: first, start: first, epoch: record.NoLeaderEpoch})
		if err := l.dir.mark.sync(); err != nil {
			return err
		}
	}
	l.structure.Lock()
	segments := l.segments
	l.segments = nil
	l.structure.Unlock()
	for _, s := range slices.Backward(segments) { // from the end: a crash leaves a shorter log, not one with a hole
		s.drop()
		if err := l.removeFiles(s); err != nil {
			return err
		}
	}
	work := l.takeDirty()
	work.releaseFiles()
	l.epochs.set(nil)
	l.producers = l.noProducers()
	if err := l.dropSnapshots(-1); err != nil {
		return err
	}
	if l.made {
		if err := ReplaceFile(l.dir.fs, l.folder, epochFile, encodeEpochs(nil)); err != nil { // syncs the folder
			return err
		}
		l.savedEpochs = nil
	}
	l.recovered(start, start, start)
	l.dir.mark.put(l.key(), markEntry{end: start, start: start, epoch: record.NoLeaderEpoch})
	return l.dir.mark.sync()
}

// truncate cuts the log at an end, which stands at a position of its segment and where the producers are known. Nothing but
// success leaves the log in order.
func (l *Log) truncate(end record.Offset, position int64, producers producerTable) error {
	if !l.dir.faults.lowersLate() {
		if err := l.lowerMark(end); err != nil {
			return err
		}
	}
	l.structure.Lock()
	err := l.cutSegments(end, position)
	l.structure.Unlock()
	if err != nil {
		return err
	}
	l.start.Store(min(l.start.Load(), int64(end)))
	l.end.Store(int64(end))
	l.durable.Store(min(l.durable.Load(), int64(end)))
	l.synced.Store(min(l.synced.Load(), int64(end)))
	l.epochs.truncateEnd(end)
	l.producers = producers
	if err := l.dropSnapshots(end); err != nil {
		return err
	}
	if err := l.dir.fs.SyncDir(l.folder); err != nil { // no snapshot of what is gone may come back
		return err
	}
	if l.dir.faults.lowersLate() {
		if err := l.lowerMark(end); err != nil {
			return err
		}
	}
	if err := l.endCut(); err != nil {
		return err
	}
	return l.afterCut(end)
}

// cutAt is the end that the log can have at or below an offset, and the byte in the segment that holds it.
func (l *Log) cutAt(offset record.Offset) (end record.Offset, position int64, err error) {
	l.structure.RLock()
	defer l.structure.RUnlock()
	i := max(l.find(offset), 0)
	s := l.segments[i]
	file, err := l.files.acquire(&s.log)
	if err != nil {
		return 0, 0, err
	}
	defer l.files.release(&s.log)
	p, err := s.seek(file, offset, s.size.Load())
	if err != nil {
		return 0, 0, err
	}
	if p.position < s.size.Load() && p.first < offset {
		if _, err := s.batchAt(file, p.position, p.size, p.first); err != nil { // its offsets may have rotted, and more would go than has to
			return 0, 0, err
		}
		offset = p.first
	}
	return offset, p.position, nil
}

// lowerMark lowers the mark to a new end and says that a truncation to there is under way. It is durable on return.
func (l *Log) lowerMark(end record.Offset) error {
	entry, ok := l.dir.mark.get(l.key())
	if !ok {
		return nil
	}
	if entry.end > end {
		entry.epoch, _ = l.epochs.at(end - 1)
	}
	entry.end = min(entry.end, end)
	entry.start = min(entry.start, entry.end)
	entry.cutting, entry.cut = true, end
	l.dir.mark.put(l.key(), entry)
	return l.dir.mark.sync()
}

// endCut says in the mark that the truncation is complete and durable. Before it is, nothing may be appended: a crash
// would cut it off again.
func (l *Log) endCut() error {
	entry, ok := l.dir.mark.get(l.key())
	if !ok || !entry.cutting {
		return nil
	}
	entry.cutting, entry.cut = false, 0
	l.dir.mark.put(l.key(), entry)
	return l.dir.mark.sync()
}

// cutSegments removes the segments above the one that holds the new end and cuts that one. The caller holds structure.
func (l *Log) cutSegments(end record.Offset, position int64) error {
	i := max(l.find(end), 0)
	for _, s := range l.segments[i+1:] {
		s.drop()
		if err := l.removeFiles(s); err != nil {
			return err
		}
	}
	l.segments = slices.Clone(l.segments[:i+1])
	s := l.segments[i]
	file, err := l.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer l.files.release(&s.log)
	if err := file.Truncate(position); err != nil {
		return err
	}
	if err := file.Sync(); err != nil { // or a crash mixes what goes with what is appended to later segments
		return err
	}
	s.recent.forget()
	if err := l.cutIndexes(s, file, end, position); err != nil {
		return err
	}
	s.size.Store(position)
	s.next.Store(int64(end))
	s.checkpoint = min(s.checkpoint, position)
	l.wroteFile(&s.log)
	return nil
}

// cutIndexes forgets the entries of what is gone and finds the largest timestamp of what remains.
func (l *Log) cutIndexes(s *segment, file disk.File, end record.Offset, position int64) error {
	relative := int32(end - s.base)
	n, err := countEntries(s.index.count(), func(i int) (bool, error) {
		e, err := s.index.entry(i)
		return e.relative < relative, err
	})
	if err != nil {
		return err
	}
	s.index.keep(n)
	from, err := s.nearby(file, end-1, position)
	if err != nil {
		return err
	}
	if n, err = countEntries(s.times.count(), func(i int) (bool, error) {
		e, err := s.times.entry(i)
		return e.relative < relative, err
	}); err != nil {
		return err
	}
	if _, err := s.times.keep(n); err != nil {
		return err
	}
	if err := l.trimIndexFiles(s); err != nil {
		return err
	}
	s.firstTime = record.NoTimestamp
	s.sinceEntry = 0
	return l.observeFrom(s, file, from, position)
}

// observeFrom notes timestamps of the batches between the last index entry and the end.
func (l *Log) observeFrom(s *segment, file disk.File, from, to int64) error {
	if to >= record.HeaderSize {
		var header [record.HeaderSize]byte
		if err := readFull(file, header[:], 0); err != nil {
			return err
		}
		s.firstTime = record.Batch(header[:]).MaxTimestamp()
	}
	w := walk(file, from, to)
	defer w.close()
	for {
		b, at, ok, err := w.next()
		if err != nil {
			return s.damaged(err, at, s.base)
		}
		if !ok {
			return nil
		}
		s.times.observe(largestTime(b), b.LastOffset())
		if at > from {
			s.sinceEntry += int64(b.Length())
		}
	}
}

func countEntries(n int, below func(i int) (bool, error)) (int, error) {
	low, high := 0, n
	for low < high {
		middle := low + (high-low)/2
		ok, err := below(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// dropSnapshots removes the snapshots of producers beyond an end.
func (l *Log) dropSnapshots(end record.Offset) error {
	kept := l.snapshots[:0]
	for _, offset := range l.snapshots {
		if offset <= end {
			kept = append(kept, offset)
		} else if err := l.removeSnapshot(offset); err != nil {
			return err
		}
	}
	l.snapshots = kept
	return nil
}

func (l *Log) noProducers() producerTable {
	none := newProducerTable()
	none.window = l.producers.window
	return none
}

// producersAt is what the producers were at an end: from the newest snapshot at or below it, and the headers from there on, of which
// those that count are held against whole batches. Snapshots that cannot be read are removed, and nothing else is changed.
func (l *Log) producersAt(end record.Offset) (producerTable, error) {
	producers, from := l.noProducers(), l.segments[0].base
	for i := len(l.snapshots) - 1; i >= 0; i-- {
		if l.snapshots[i] > end {
			continue
		}
		table, err := l.loadSnapshot(l.snapshots[i])
		if err == nil {
			table.window = producers.window
			producers, from = table, l.snapshots[i]
			break
		}
		if !errors.Is(err, errSnapshot) && !missing(err) {
			return producers, err
		}
		if err := l.removeSnapshot(l.snapshots[i]); err != nil {
			return producers, err
		}
		l.snapshots = slices.Delete(l.snapshots, i, i+1)
	}
	var passed []record.Offset
	for _, s := range l.segments {
		if s.nextOffset() <= from || s.base >= end {
			continue
		}
		err := s.visit(max(from, s.base), func(b record.Batch, _ func() (record.Batch, error)) (bool, error) {
			info := describeBatch(b)
			if info.first >= end {
				return false, nil
			}
			if info.first >= from {
				if producers.passesOver(&info) {
					passed = append(passed, info.first)
				}
				producers.apply(&info, s.created)
			}
			return true, nil
		})
		if err != nil {
			return producers, err
		}
	}
	return producers, l.checkProducers(&producers, passed, from, end)
}

// afterCut lets the next round make the cut durable.
func (l *Log) afterCut(end record.Offset) error {
	epoch, _ := l.epochs.at(end - 1)
	l.dirty.mu.Lock()
	l.dirty.work.end, l.dirty.work.epoch = end, epoch
	l.dirty.work.folder = true
	l.dirty.mu.Unlock()
	l.saveEpochs()
	if !l.pageCache() {
		l.enqueue()
	}
	return nil
}
