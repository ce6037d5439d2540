package commitlog

import (
	"errors"
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// snapshotsBetween is how many producer snapshots are kept that do not stand where a segment begins.
const snapshotsBetween = 2

// checkpoint writes what recovery would otherwise have to find out by stepping over the segment: the index entries so
// far, and the producers as they are at the log's end. The files are synced by the next round, together with the
// segment, so they are durable when the mark has passed the checkpoint. The caller holds mu.
func (l *Log) checkpoint(s *segment) error {
	if s.indexesMade && s.checkpoint == s.size.Load() && slices.Contains(l.snapshots, l.EndOffset()) {
		return nil // as it was left
	}
	s.times.add()
	if err := s.flushIndexes(); err != nil {
		return err
	}
	if err := l.snapshotProducers(); err != nil {
		return err
	}
	for _, f := range []*cachedFile{&s.index.file, &s.times.file} {
		if _, err := l.files.acquire(f); err != nil {
			return err
		}
		l.wroteFile(f)
		l.files.release(f)
	}
	l.saveEpochs()
	s.checkpoint = s.size.Load()
	return nil
}

// saveEpochs leaves the leader epochs to the next round, if they are not in their file already.
func (l *Log) saveEpochs() {
	epochs := l.epochs.snapshot()
	if slices.Equal(epochs, l.savedEpochs) {
		return
	}
	l.savedEpochs = epochs
	l.dirty.mu.Lock()
	l.dirty.work.epochs = epochs
	l.dirty.mu.Unlock()
}

// tryCheckpoint is checkpoint between appends: without room it is left for later, any other failure takes the
// directory offline.
func (l *Log) tryCheckpoint(s *segment) {
	if err := l.checkpoint(s); err != nil && !full(err) && !exhausted(err) {
		_ = l.dir.goOffline(err) // the next append says so
	}
}

// snapshotProducers writes the producer snapshot of the log's end, if there is none yet.
func (l *Log) snapshotProducers() error {
	end := l.EndOffset()
	if slices.Contains(l.snapshots, end) {
		return nil
	}
	f := &cachedFile{name: join(l.folder, fileName(end, snapshotSuffix)), once: true}
	file, err := l.files.createOver(f)
	if err != nil {
		return err
	}
	defer l.files.release(f)
	if _, err := file.WriteAt(l.producers.encodeSnapshot(), 0); err != nil {
		return errors.Join(err, l.dir.fs.Remove(f.name))
	}
	l.wroteFile(f)
	l.snapshots = append(l.snapshots, end)
	return l.thinSnapshots()
}

// thinSnapshots removes snapshots that nobody will start from: all but those where a segment begins and the newest.
func (l *Log) thinSnapshots() error {
	between := 0
	for i := len(l.snapshots) - 1; i >= 0; i-- {
		offset := l.snapshots[i]
		if at := l.find(offset); at >= 0 && l.segments[at].base == offset {
			continue
		}
		if between++; between <= snapshotsBetween {
			continue
		}
		if err := l.removeSnapshot(offset); err != nil {
			return err
		}
		l.snapshots = slices.Delete(l.snapshots, i, i+1)
	}
	return nil
}

func (l *Log) removeSnapshot(offset record.Offset) error {
	err := l.dir.fs.Remove(join(l.folder, fileName(offset, snapshotSuffix)))
	if missing(err) {
		return nil
	}
	return err
}

// removeFiles removes a segment's files at once. Who reads them keeps them until done.
func (l *Log) removeFiles(s *segment) error {
	var failed error
	for _, f := range s.cached() {
		if err := l.dir.fs.Remove(f.name); err != nil && !missing(err) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
