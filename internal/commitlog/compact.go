package commitlog

import (
	"errors"
	"math"

	"github.com/skein-io/skein/internal/record"
)

// Compaction is what a call of Compact did.
type Compaction struct {
	Ran           bool          // false: there was too little to do, or another one runs
	CleanedTo     record.Offset // every key has at most one record below, apart from tombstones that are still kept
	SegmentsFrom  int           // segments read
	SegmentsTo    int           // segments that took their place
	RecordsRead   int64
	RecordsKept   int64
	BytesRead     int64
	BytesWritten  int64
	DirtyRatio    float64 // of the log before
	MapUsedOfRoom float64 // how full the table of keys became, 0 to 1
}

// Compact removes records whose key has a newer record, and tombstones that have been readable for
// delete.retention.ms, if cleanup.policy has compact and enough is dirty (min.cleanable.dirty.ratio) or something is
// too old (max.compaction.lag.ms). now is the wall clock in milliseconds since 1970. Nothing at or above the high
// watermark, in the active segment or younger than min.compaction.lag.ms is touched. The last batch of each producer and
// of each new segment stays, without records if need be, so that offsets and sequences go on.
//
// It may run beside appends and reads, which it delays for the few renames of the swap only. One runs at a time for a
// log; TruncateTo, Close and Delete make it give up. After a crash at any step the log is as before or as after.
func (l *Log) Compact(now int64, highWatermark record.Offset) (Compaction, error) {
	if !l.cleaning.TryLock() {
		return Compaction{}, nil
	}
	defer l.cleaning.Unlock()
	if err := l.dir.Offline(); err != nil {
		return Compaction{}, err
	}
	c := cleaner{log: l, config: l.Config(), now: now}
	if !c.config.Compact {
		return c.result, l.notCompacted()
	}
	if err := l.sealDirty(now); err != nil {
		return c.result, err
	}
	if err := c.choose(highWatermark); err != nil || !c.worthIt() {
		return c.result, err
	}
	err := c.run()
	if errors.Is(err, errGaveUp) {
		err = nil
	}
	return c.result, err
}

// errGaveUp ends a compaction because somebody cuts or closes the log.
var errGaveUp = errors.New("compaction gave way")

// cleaner is one compaction of one log.
type cleaner struct {
	log    *Log
	config Config
	now    int64

	segments   []*segment    // sealed and below the high watermark, oldest first
	firstDirty record.Offset // below it no key occurs twice
	end        record.Offset // of the segments
	clean      int64         // bytes below firstDirty
	dirty      int64         // bytes from there on
	overdue    bool          // something is older than max.compaction.lag.ms

	keys      *offsetMap
	producers map[int64]record.Offset // last offset of each producer
	result    Compaction
}

// choose finds the segments that may be cleaned, and how much of them is dirty.
func (c *cleaner) choose(highWatermark record.Offset) error {
	l := c.log
	if l.dir.faults.compactsAll() {
		highWatermark = math.MaxInt64
	}
	firstDirty, err := l.cleanedTo()
	if err != nil {
		return err
	}
	highWatermark = min(highWatermark, l.firstUndecided())
	l.structure.RLock()
	defer l.structure.RUnlock()
	if len(l.segments) == 0 {
		return nil
	}
	c.firstDirty = max(firstDirty, l.segments[0].base)
	for _, s := range l.segments[:len(l.segments)-1] {
		if s.nextOffset() > highWatermark {
			break
		}
		largest, err := s.largest()
		if err != nil {
			return l.readFailed(err)
		}
		if c.config.MinCompactionLagMs > 0 && largest.Timestamp > c.now-c.config.MinCompactionLagMs {
			break
		}
		c.segments = append(c.segments, s)
		c.end = s.nextOffset()
		if s.nextOffset() <= c.firstDirty {
			c.clean += s.size.Load()
			continue
		}
		c.dirty += s.size.Load()
		c.overdue = c.overdue || c.now-largest.Timestamp > c.config.MaxCompactionLagMs
	}
	return nil
}

// worthIt says whether enough is dirty.
func (c *cleaner) worthIt() bool {
	if c.dirty == 0 {
		return false
	}
	c.result.DirtyRatio = float64(c.dirty) / float64(c.clean+c.dirty)
	return c.overdue || c.result.DirtyRatio >= c.config.MinCleanableDirtyRatio
}

func (c *cleaner) run() error {
	c.result.Ran = true
	end, err := c.mapKeys()
	if err != nil {
		return c.failed(err)
	}
	if err := c.settle(); err != nil {
		return err
	}
	c.producers = c.log.lastOffsets()
	for _, group := range c.groups(end) {
		if err := c.cleanGroup(group); err != nil {
			return c.failed(err)
		}
	}
	c.result.CleanedTo = end
	if err := c.log.noteCleaned(end); err != nil {
		return c.failed(err)
	}
	return nil
}

// settle makes the producer snapshots and the mark durable: what compaction removes of a producer's batches, recovery
// then need not look for.
func (c *cleaner) settle() error {
	if c.log.unsynced() {
		c.log.enqueue()
		if err := c.log.dir.Round(); err != nil {
			return err
		}
	}
	return c.log.dir.SyncMark()
}

// failed leaves the log as it is. Without room the next try may succeed; another failure of the disk is final, unless
// it is damage, which concerns this log alone.
func (c *cleaner) failed(err error) error {
	if _, damaged := errors.AsType[*DamagedError](err); damaged || errors.Is(err, errGaveUp) || full(err) || exhausted(err) {
		if errors.Is(err, errGaveUp) {
			return err
		}
		return storageError("compact "+c.log.name.String(), err)
	}
	return c.log.dir.goOffline(err)
}

// giveWay ends the compaction if somebody waits for it.
func (c *cleaner) giveWay() error {
	if c.log.haste.Load() > 0 {
		return errGaveUp
	}
	return nil
}

// mapKeys enters the keys of the dirty part, as far as the memory goes. It returns the offset up to which.
func (c *cleaner) mapKeys() (record.Offset, error) {
	c.keys = newOffsetMap(c.log.dir.config.CompactionBytesMax)
	end := c.end
	for _, s := range c.segments {
		if s.nextOffset() <= c.firstDirty {
			continue
		}
		err := s.eachWhole(func(b record.Batch, _ int64) error {
			if b.LastOffset() < c.firstDirty {
				return nil
			}
			if !c.keys.room(int(b.Count())) && c.keys.used > 0 {
				end = b.BaseOffset()
				return errMapFull
			}
			if err := c.giveWay(); err != nil {
				return err
			}
			return c.mapBatch(b)
		})
		if errors.Is(err, errMapFull) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	c.result.MapUsedOfRoom = float64(c.keys.used) / float64(c.keys.max)
	c.keys.latest = end - 1
	return end, nil
}

var errMapFull = errors.New("the table of keys is full")

func (c *cleaner) mapBatch(b record.Batch) error {
	if b.Control() {
		return nil
	}
	r := b.Records(c.log.limits())
	defer r.Close()
	for r.Next() {
		if m := r.Record(); m.Key != nil {
			c.keys.put(m.Key, m.Offset)
		}
	}
	return r.Err()
}

// groups joins neighbouring segments whose content fits into one.
func (c *cleaner) groups(end record.Offset) [][]*segment {
	var groups [][]*segment
	var size int64
	for _, s := range c.segments {
		if s.base >= end {
			break
		}
		n := len(groups)
		if n == 0 || size+s.size.Load() > c.config.SegmentBytes || s.nextOffset()-groups[n-1][0].base > math.MaxInt32 {
			groups = append(groups, nil)
			n, size = n+1, 0
		}
		groups[n-1] = append(groups[n-1], s)
		size += s.size.Load()
	}
	return groups
}

// firstUndecided is the first offset of a transaction that is open; MaxOffset without one.
func (l *Log) firstUndecided() record.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := record.MaxOffset
	for _, p := range l.producers.byID {
		if p.txnFirst >= 0 {
			first = min(first, p.txnFirst)
		}
	}
	return first
}

// lastOffsets is the last offset of each producer.
func (l *Log) lastOffsets() map[int64]record.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := make(map[int64]record.Offset, len(l.producers.byID))
	for id, p := range l.producers.byID {
		if b, ok := p.last(); ok {
			last[id] = b.lastOffset
		}
	}
	return last
}

// eachWhole calls f with every batch of the segment, checked, and its position.
func (s *segment) eachWhole(f func(b record.Batch, position int64) error) error {
	file, err := s.files.acquire(&s.log)
	if err != nil {
		return err
	}
	defer s.files.release(&s.log)
	w := walk(file, 0, s.size.Load())
	defer w.close()
	next := s.base
	for {
		b, at, ok, err := w.nextWhole()
		if err != nil {
			return s.damaged(err, at, next)
		}
		if !ok {
			return nil
		}
		if err := b.Check(); err != nil {
			return &DamagedError{File: s.log.name, Position: at, Offset: next, Reason: err.Error()}
		}
		if b.BaseOffset() < next {
			return &DamagedError{File: s.log.name, Position: at, Offset: next, Reason: "the offsets do not ascend"}
		}
		if err := f(b, at); err != nil {
			return err
		}
		next = b.NextOffset()
	}
}
