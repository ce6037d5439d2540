package commitlog

import (
	"slices"
	"sync"

	"github.com/skein-io/skein/internal/record"
)

// dirtyState is what a log has written and not synced yet. Appends add to it, a round takes it whole: what a round
// takes is exactly what was finished before it began.
type dirtyState struct {
	mu     sync.Mutex
	queued bool // in the Syncer's queue
	work   dirtyWork
}

// dirtyWork is one log's share of a round. Every file in it is kept open by it: the kernel tells of a failed write
// only those who had the file open.
type dirtyWork struct {
	log    *Log
	files  []*cachedFile
	folder bool         // names in the log's folder are new
	root   bool         // the log's folder is new
	epochs []EpochStart // to write as leader-epoch-checkpoint; nil if it is up to date
	end    record.Offset
	epoch  record.LeaderEpoch
}

// wrote notes that a file has bytes that are not synced, and that the log ends at end now.
func (l *Log) wrote(f *cachedFile, end record.Offset, epoch record.LeaderEpoch) {
	l.dirty.mu.Lock()
	l.dirty.work.end, l.dirty.work.epoch = end, epoch
	l.noteFile(f)
	l.dirty.mu.Unlock()
}

// noteFile adds a file; the caller holds dirty.mu.
func (l *Log) noteFile(f *cachedFile) {
	if slices.Contains(l.dirty.work.files, f) {
		return
	}
	l.files.retain(f)
	l.dirty.work.files = append(l.dirty.work.files, f)
}

// wroteFile notes a file beside the segment. It is in use by the caller.
func (l *Log) wroteFile(f *cachedFile) {
	l.dirty.mu.Lock()
	l.noteFile(f)
	l.dirty.work.folder = true
	l.dirty.mu.Unlock()
}

// enqueue puts the log into the Syncer's queue, once, and wakes the Syncer.
func (l *Log) enqueue() {
	l.dirty.mu.Lock()
	queued := l.dirty.queued
	l.dirty.queued = true
	l.dirty.mu.Unlock()
	if !queued {
		l.dir.syncer.add(l)
	}
}

// takeDirty takes what there is. An append that ends after this belongs to the next round.
func (l *Log) takeDirty() dirtyWork {
	l.dirty.mu.Lock()
	defer l.dirty.mu.Unlock()
	work := l.dirty.work
	work.log = l
	l.dirty.queued = false
	l.dirty.work = dirtyWork{end: work.end, epoch: work.epoch}
	return work
}

// unsynced says whether a round has anything to do for the log.
func (l *Log) unsynced() bool {
	l.dirty.mu.Lock()
	defer l.dirty.mu.Unlock()
	w := &l.dirty.work
	return len(w.files) > 0 || w.folder || w.root || w.epochs != nil
}

func (w *dirtyWork) releaseFiles() {
	for _, f := range w.files {
		w.log.files.release(f)
	}
	w.files = nil
}
