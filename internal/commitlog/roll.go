package commitlog

import (
	"errors"
	"math"
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// checkpointBytes is how much is appended between two checkpoints of the active segment: what recovery has to step
// over, at most, below the durable mark.
const checkpointBytes = 64 << 20

// due says whether the active segment must be rolled before the append: it is full, too old, an index is full, or it
// cannot express the offset. Its age is counted from its first batch's timestamp to the one at hand, as in Kafka, so
// that reading old data into a new topic makes segments of the old times.
func (l *Log) due(s *segment, in *incoming) bool {
	size := s.size.Load()
	if size == 0 {
		return !s.fits(in.last())
	}
	c := in.config
	entries := c.SegmentIndexBytes
	return size+int64(len(in.bytes)) > c.SegmentBytes || size+int64(len(in.bytes)) > math.MaxInt32 ||
		s.waited(in.maxTime, in.options.Now) > c.rollMs()-s.jitter ||
		int64(s.index.count()) >= entries/offsetEntrySize || int64(s.times.count()) >= entries/timeEntrySize-1 ||
		!s.fits(in.last())
}

// rollMs is segment.ms, or less where compaction must reach the records sooner.
func (c *Config) rollMs() int64 {
	if c.Compact {
		return min(c.SegmentMs, c.MaxCompactionLagMs)
	}
	return c.SegmentMs
}

// waited is how much time the segment spans, in ms. Batches without a timestamp are counted by the wall clock.
func (s *segment) waited(timestamp, now int64) int64 {
	if s.firstTime >= 0 && timestamp >= 0 {
		return timestamp - s.firstTime
	}
	return now - s.created
}

// begin makes the folder and the first segment.
func (l *Log) begin(in *incoming) (*segment, error) {
	if err := l.makeFolder(); err != nil {
		return nil, err
	}
	return l.newActive(l.nextBase(in), in.options.Now)
}

// nextBase is where a new segment begins: at the log's end, or at the append's first offset if that is a copy from
// beyond a gap too wide to express.
func (l *Log) nextBase(in *incoming) record.Offset {
	end := l.EndOffset()
	if in.last()-end > math.MaxInt32 {
		return in.batches[0].first
	}
	return end
}

// makeFolder makes folder and partition.metadata, once.
func (l *Log) makeFolder() error {
	if l.made {
		return nil
	}
	if err := l.dir.fs.MkdirAll(l.folder); err != nil {
		return storageError("make the folder of "+l.name.String(), err)
	}
	f := &cachedFile{name: join(l.folder, partitionFile), once: true}
	file, err := l.files.createOver(f)
	if err != nil {
		return storageError("make the folder of "+l.name.String(), err)
	}
	defer l.files.release(f)
	if _, err := file.WriteAt(encodePartitionMetadata(l.id), 0); err != nil {
		return errors.Join(storageError("make the folder of "+l.name.String(), err), l.dir.fs.Remove(f.name))
	}
	l.wroteFile(f)
	l.dirty.mu.Lock()
	l.dirty.work.root = true
	l.dirty.mu.Unlock()
	l.made = true
	return nil
}

// newActive makes an empty segment at the end of the list.
func (l *Log) newActive(base record.Offset, now int64) (*segment, error) {
	s := newSegment(l.files, l.folder, base)
	s.jitter, s.created, s.lastAppend = l.jitterOf(base), now, now
	s.times.known = true
	if _, err := l.files.create(&s.log); err != nil {
		return nil, storageError("a new segment of "+l.name.String(), err)
	}
	l.wroteFile(&s.log)
	l.files.release(&s.log)
	l.setSegments(append(slices.Clone(l.segments), s))
	return s, nil
}

func (l *Log) jitterOf(base record.Offset) int64 {
	jitter := l.config.Load().SegmentJitterMs
	if jitter <= 0 {
		return 0
	}
	// Spread by name and base, not by chance: the same log rolls at the same places in every run.
	h := uint64(14695981039346656037)
	for _, c := range []byte(l.name.String()) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ uint64(base)) * 1099511628211
	return int64(h % uint64(jitter))
}

// roll seals the active segment and makes a new one.
func (l *Log) roll(in *incoming) (*segment, error) {
	s := l.active()
	if s.size.Load() == 0 {
		if err := l.discardEmpty(s); err != nil {
			return nil, err
		}
		return l.newActive(l.nextBase(in), in.options.Now)
	}
	return l.rollAt(l.nextBase(in), in.options.Now)
}

func (l *Log) rollAt(base record.Offset, now int64) (*segment, error) {
	s := l.active()
	if err := l.checkpoint(s); err != nil {
		return nil, storageError("seal a segment of "+l.name.String(), err)
	}
	made, err := l.newActive(base, now)
	if err == nil && l.pageCache() {
		l.enqueue() // what is sealed is synced, in page-cache mode too
	}
	return made, err
}

// discardEmpty takes an empty active segment away, for one that begins elsewhere.
func (l *Log) discardEmpty(s *segment) error {
	l.setSegments(slices.Clone(l.segments[:len(l.segments)-1]))
	s.drop()
	return l.removeFiles(s)
}
