package commitlog

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// recovery of a log, in short. M is the durable mark.
//
//	sealed segments that end below M      trusted, but for a look at the sizes and last entries of their indexes
//	from the last producer snapshot to M  stepped over by headers: producers, epochs, index entries; read whole are the
//	                                      batches on which rests what is known of producers
//	above M                               read whole, CRC computed; the first flaw is a torn tail and cut
//
// A flaw below M is damage and refused. What lies above M is written again as it stands and synced by the next round
// before it counts as durable: it may be in the page cache alone (KAFKA-10101), and if a sync of the last life failed,
// the kernel takes it for written, so that a sync alone would not write it.
type recovering struct {
	log     *Log
	content folderContent
	known   bool            // the mark knows the log
	clean   bool            // the files are as Close left them
	mark    record.Offset   // M; without a mark the first base
	low     record.Offset   // log start offset, as the mark has it
	cutting bool            // a truncation was under way
	cutTo   record.Offset   // to there
	next    record.Offset   // offset after the last batch seen
	passed  []record.Offset // where batches below M begin that name a producer and changed nothing
	cut     *cutPlace       // set by the first flaw above the mark
}

type cutPlace struct {
	segment  int
	position int64
	reason   string
}

// recover fills an empty Log from its folder. The caller holds mu.
func (l *Log) recover() error {
	entry, known := l.dir.mark.get(l.key())
	clean := l.dir.endedWell(l.key())
	l.dir.settle(l.key(), false)
	l.recovery.Mark = -1
	if known {
		l.recovery.Mark = entry.end
	}
	if known && entry.deleting {
		if err := l.dir.finishDeletion(l); err != nil {
			return err
		}
		entry, known, l.recovery.Mark = markEntry{}, false, -1
	}
	content, err := l.content()
	if err == nil {
		err = l.claim(content, known)
	}
	if missing(err) {
		if known && entry.end > entry.start {
			return &DamagedError{File: l.folder, Offset: entry.start, Reason: "the folder is missing"}
		}
		l.recovered(entry.start, max(entry.start, entry.end), max(entry.start, entry.end))
		return nil
	}
	if err != nil {
		return err
	}
	l.made = true
	if len(content.bases) > 0 && content.bases[0] > 0 && !known && !l.dir.foreign() {
		if err := l.dropRemnants(&content); err != nil {
			return err
		}
	}
	r := recovering{log: l, content: content, known: known, clean: clean, mark: entry.end, low: entry.start, cutting: entry.cutting, cutTo: entry.cut}
	if len(content.bases) == 0 {
		if known && entry.end > entry.start {
			return &DamagedError{File: l.folder, Offset: entry.start, Reason: "there is no segment"}
		}
		l.recovered(entry.start, max(entry.start, entry.end), max(entry.start, entry.end))
		return nil
	}
	return r.run(entry.start)
}

// dropRemnants empties a new log that lost its first segment in a crash before the first round: every log begins at 0,
// unless the mark says otherwise, and nothing of it was durable.
func (l *Log) dropRemnants(c *folderContent) error {
	for _, base := range c.bases {
		if err := l.removeFiles(newSegment(l.files, l.folder, base)); err != nil {
			return err
		}
	}
	for _, offset := range c.snapshots {
		if err := l.removeSnapshot(offset); err != nil {
			return err
		}
	}
	l.recovery.Cut, l.recovery.CutFile = true, join(l.folder, fileName(c.bases[0], logSuffix))
	l.recovery.CutReason = "the first segment is lost, and no round had ended yet"
	c.logs, c.bases, c.snapshots = nil, nil, nil
	return l.dir.fs.SyncDir(l.folder)
}

// recovered sets the ends of the log.
func (l *Log) recovered(start, end, synced record.Offset) {
	l.start.Store(int64(start))
	l.end.Store(int64(end))
	l.synced.Store(int64(synced))
	durable := synced
	if l.pageCache() || l.dir.faults.trustsRecovery() {
		durable = end
	}
	l.durable.Store(int64(durable))
	l.dirty.work.end = end
	l.dirty.work.epoch, _ = l.epochs.latest()
}

func (r *recovering) run(start record.Offset) error {
	l := r.log
	if !r.known {
		r.mark = r.content.bases[0]
	}
	for i := range r.content.bases {
		l.segments = append(l.segments, r.segment(i))
	}
	whole, err := l.readEpochs(r.content)
	if err != nil {
		return err
	}
	from, err := r.start()
	if err != nil {
		return err
	}
	if !whole && from > l.segments[0].base {
		if err := r.gatherEpochs(); err != nil {
			return err
		}
	}
	if err := r.scan(from); err != nil {
		return err
	}
	return r.finish(from, max(start, l.segments[0].base))
}

// segment describes a file of the folder without opening it.
func (r *recovering) segment(i int) *segment {
	e := r.content.logs[i]
	s := newSegment(r.log.files, r.log.folder, r.content.bases[i])
	s.size.Store(e.Size)
	s.created, s.lastAppend = e.ModTime, e.ModTime
	s.jitter = r.log.jitterOf(s.base)
	if i+1 < len(r.content.bases) {
		s.next.Store(int64(r.content.bases[i+1]))
	}
	_, index := r.content.sizes[fileName(s.base, indexSuffix)]
	_, times := r.content.sizes[fileName(s.base, timeIndexSuffix)]
	s.indexesMade = index && times
	return s
}

// trusted says whether the mark vouches for all of a segment and its indexes: only a round that began after the roll
// synced the indexes, and such a round moved the mark beyond the next base, unless the last life ended well.
func (r *recovering) trusted(i int) bool {
	if !r.known || i+1 >= len(r.content.bases) {
		return false
	}
	next := r.content.bases[i+1]
	return next < r.mark || next == r.mark && r.clean
}

// vouched says whether the mark vouches for a checkpoint at an offset.
func (r *recovering) vouched(offset record.Offset) bool {
	return r.known && (offset < r.mark || offset == r.mark && r.clean)
}

// start loads the newest producer snapshot at or below the mark and returns its offset, from which on the batches
// are stepped over. Without one that is the log's first offset. Snapshots that cannot be read are removed.
func (r *recovering) start() (record.Offset, error) {
	l := r.log
	first := l.segments[0].base
	l.snapshots = slices.Clone(r.content.snapshots)
	for i := len(l.snapshots) - 1; i >= 0; i-- {
		offset := l.snapshots[i]
		if offset > r.mark || offset < first {
			continue
		}
		table, err := l.loadSnapshot(offset)
		if err == nil {
			if l.dir.faults.forgetsSnapshot() {
				table = newProducerTable()
			}
			table.window = l.producers.window
			l.producers = table
			return offset, nil
		}
		if !errors.Is(err, errSnapshot) {
			return 0, err
		}
		l.dir.config.Logger.Warn("producer snapshot is left out", "log", l.name.String(), "offset", offset, "cause", err)
		if err := l.removeSnapshot(offset); err != nil {
			return 0, err
		}
		l.snapshots = slices.Delete(l.snapshots, i, i+1)
	}
	return first, nil
}

func (l *Log) loadSnapshot(offset record.Offset) (producerTable, error) {
	b, err := ReadFile(l.dir.fs, join(l.folder, fileName(offset, snapshotSuffix)), snapshotBytesMax)
	if err != nil {
		return producerTable{}, err
	}
	return decodeSnapshot(b)
}

// gatherEpochs steps over the whole log, because the file that lists its epochs is lost.
func (r *recovering) gatherEpochs() error {
	l := r.log
	r.next = l.segments[0].base
	for i := range l.segments {
		s := l.segments[i]
		err := r.steps(i, 0, s.size.Load(), func(b record.Batch, _ int64) { l.epochs.assign(b.LeaderEpoch(), b.BaseOffset()) })
		if err != nil {
			return err
		}
		if r.cut != nil {
			break // scan will find it again
		}
	}
	r.cut, r.next = nil, 0
	return nil
}

// scan goes through the segments from the one that holds the snapshot's offset.
func (r *recovering) scan(from record.Offset) error {
	l := r.log
	for i := range l.segments {
		var err error
		if r.trusted(i) && l.segments[i+1].base <= from {
			err = r.trust(i)
		} else if err = r.follows(i); err == nil && r.cut == nil {
			r.next = max(r.next, l.segments[i].base)
			err = r.enter(i, from)
		}
		if err != nil || r.cut != nil {
			return err
		}
	}
	return nil
}

// follows looks whether a segment begins where the one before ends: a roll makes it so, and compaction keeps it so. A
// crash can lose the end of one file and keep the next. Below the log start offset a crash can have kept some of the
// segments that were deleted; the next Retain deletes them again, once the producers they tell of are safe. In a
// directory that Kafka wrote, compaction may have removed the end of a segment.
func (r *recovering) follows(i int) error {
	if i == 0 || !r.known && r.log.dir.foreign() && r.log.config.Load().Compact {
		return nil
	}
	s, before := r.log.segments[i], r.log.segments[i-1]
	if s.base == r.next || s.base <= r.low || s.base-r.next > math.MaxInt32 {
		return nil
	}
	return r.flawed(i-1, before.size.Load(), fmt.Sprintf("it ends with offset %d, and the next segment begins with %d", r.next-1, s.base))
}

// finish removes a torn tail, checks that nothing is missing below the mark, and hands over to the next round what is
// not known to be on the disk. Headers were stepped over from an offset on.
func (r *recovering) finish(from, start record.Offset) error {
	l := r.log
	if r.known && r.next < r.mark && !l.dir.faults.cutsBelowMark() {
		s := l.active()
		return &DamagedError{File: s.log.name, Position: s.size.Load(), Offset: r.next,
			Reason: fmt.Sprintf("the log ends there, and offsets up to %d were durable", r.mark)}
	}
	if r.cut != nil {
		if err := r.cutTail(); err != nil {
			return err
		}
	}
	if r.cutting {
		if err := r.endCut(); err != nil {
			return err
		}
	}
	if err := r.dropSnapshots(); err != nil {
		return err
	}
	if r.known && !l.dir.faults.cutsBelowMark() {
		if err := l.checkProducers(&l.producers, r.passed, from, min(r.mark, r.next)); err != nil {
			return err
		}
	}
	if err := r.checkEpochs(); err != nil {
		return err
	}
	l.epochs.truncateEnd(r.next)
	start = min(start, r.next)
	l.epochs.truncateStart(start)
	l.recovered(start, r.next, min(r.mark, r.next))
	return l.resync(r)
}

// endCut ends a truncation that the last life began.
func (r *recovering) endCut() error {
	l := r.log
	s := l.active()
	file, err := l.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer l.files.release(&s.log)
	if err := file.Truncate(s.size.Load()); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := l.dir.fs.SyncDir(l.folder); err != nil {
		return err
	}
	return l.endCut()
}

// dropSnapshots removes those beyond the mark: a crash may have torn them.
func (r *recovering) dropSnapshots() error {
	l := r.log
	kept := l.snapshots[:0]
	for _, offset := range l.snapshots {
		if offset <= min(r.next, r.mark) {
			kept = append(kept, offset)
			continue
		}
		if err := l.removeSnapshot(offset); err != nil {
			return err
		}
	}
	l.snapshots = kept
	return nil
}

// resync gives the next round every segment that the mark does not vouch for. If the last life did not end well, the
// end of the file is set again: a truncation may be taken for written although its sync failed.
func (l *Log) resync(r *recovering) error {
	unsure := !r.clean && !l.pageCache()
	if r.cut == nil && r.next == r.mark && l.recovery.RebuiltIndexes == 0 && !unsure {
		return nil
	}
	for i, s := range l.segments {
		last := i == len(l.segments)-1
		if !last && r.trusted(i) && r.cut == nil {
			continue
		}
		file, err := l.files.acquire(&s.log)
		if err != nil {
			return err
		}
		if last && unsure {
			err = file.Truncate(s.size.Load())
		}
		l.wroteFile(&s.log)
		l.files.release(&s.log)
		if err != nil {
			return err
		}
	}
	l.dirty.mu.Lock()
	l.dirty.work.root = true
	l.dirty.mu.Unlock()
	l.saveEpochs()
	l.enqueue()
	return nil
}
