package commitlog

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// segment is one file of a log with its indexes. Its bytes only grow, until it is sealed; truncation and compaction
// happen under Log.structure, which no reader holds meanwhile.
type segment struct {
	base   record.Offset
	folder string
	files  *fileCache

	log   cachedFile
	index offsetIndex
	times timeIndex

	size atomic.Int64 // bytes of whole batches
	next atomic.Int64 // offset after the last batch

	// What follows belongs to the appender (Log.mu).
	sinceEntry  int64 // bytes since the last index entry
	checkpoint  int64 // bytes that were there at the last checkpoint
	created     int64 // wall clock when it was made, or the file's age when it was opened, ms
	firstTime   int64 // timestamp of the first batch, what segment.ms counts from; NoTimestamp until known
	lastAppend  int64 // wall clock of the last append, or the file's age when it was opened, ms
	jitter      int64 // segment.jitter.ms of this one
	indexesMade bool  // the index files exist

	recent recentBounds
}

// newSegment describes a segment; its files may or may not exist.
func newSegment(files *fileCache, folder string, base record.Offset) *segment {
	s := &segment{base: base, folder: folder, files: files, firstTime: record.NoTimestamp}
	s.log.name = join(folder, fileName(base, logSuffix))
	s.index.files, s.index.base = files, base
	s.index.file.name = join(folder, fileName(base, indexSuffix))
	s.times.files, s.times.base = files, base
	s.times.file.name = join(folder, fileName(base, timeIndexSuffix))
	s.times.max = TimestampOffset{record.NoTimestamp, base}
	s.next.Store(int64(base))
	return s
}

// nextOffset is the offset after the last batch; the base of an empty segment.
func (s *segment) nextOffset() record.Offset { return record.Offset(s.next.Load()) }

// fits says whether an offset can be written relative to the base, as the indexes and the format need.
func (s *segment) fits(last record.Offset) bool { return last-s.base <= math.MaxInt32 }

// note enters a batch that now stands at position into the indexes. Appender only; size and next are not touched.
func (s *segment) note(last record.Offset, position, size, maxTimestamp, interval int64) {
	if s.firstTime == record.NoTimestamp {
		s.firstTime = maxTimestamp
	}
	s.times.observe(maxTimestamp, last)
	if s.sinceEntry > interval {
		s.index.add(last, position)
		s.times.add()
		s.sinceEntry = 0
	}
	s.sinceEntry += size
}

// advance makes bytes and offsets up to an end visible to readers.
func (s *segment) advance(size int64, next record.Offset) {
	s.recent.put(next, size)
	s.next.Store(int64(next)) // first: whoever sees the bytes knows that their offsets belong to the segment
	s.size.Store(size)
}

// flushIndexes appends the entries in memory to the index files. The files join what the next round syncs.
func (s *segment) flushIndexes() error {
	if err := s.flushIndex(&s.index.file, &s.index); err != nil {
		return err
	}
	if err := s.flushIndex(&s.times.file, &s.times); err != nil {
		return err
	}
	s.indexesMade = true
	return nil
}

func (s *segment) flushIndex(f *cachedFile, x interface {
	encodeTail() ([]byte, int64)
	tailFlushed()
}) error {
	open := s.files.acquire
	if !s.indexesMade {
		open = s.openOrCreate
	}
	file, err := open(f)
	if err != nil {
		return err
	}
	defer s.files.release(f)
	b, at := x.encodeTail()
	if len(b) > 0 {
		if _, err := file.WriteAt(b, at); err != nil {
			return err
		}
	}
	x.tailFlushed()
	return nil
}

func (s *segment) openOrCreate(f *cachedFile) (file disk.File, err error) {
	if file, err = s.files.acquire(f); missing(err) {
		file, err = s.files.create(f)
	}
	return file, err
}

// drop closes the files once nobody reads them.
func (s *segment) drop() {
	for _, f := range s.cached() {
		s.files.drop(f)
	}
}

func (s *segment) cached() [3]*cachedFile {
	return [3]*cachedFile{&s.log, &s.index.file, &s.times.file}
}

// recentBounds remembers where the last few appends and reads ended, so that whoever reads on from there needs no
// index. Old places are overwritten; a hit is exact, a miss costs a look into the index.
type recentBounds struct {
	mu   sync.Mutex
	ring []bound
	at   int
}

// bound is the place between two batches.
type bound struct {
	offset   record.Offset // of the batch that begins there
	position int64
}

// recentMax is how many places a segment remembers: as many as there are likely readers at the tail.
const recentMax = 16

func (r *recentBounds) put(offset record.Offset, position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ring) < recentMax {
		r.ring = append(r.ring, bound{offset, position})
		return
	}
	r.ring[r.at] = bound{offset, position}
	r.at = (r.at + 1) % recentMax
}

func (r *recentBounds) find(offset record.Offset) (position int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.ring {
		if r.ring[i].offset == offset {
			return r.ring[i].position, true
		}
	}
	return 0, false
}

// atOrBelow finds the last remembered place whose position is at most limit.
func (r *recentBounds) atOrBelow(limit int64) (best bound, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.ring {
		if b := r.ring[i]; b.position <= limit && (!ok || b.position > best.position) {
			best, ok = b, true
		}
	}
	return best, ok
}

func (r *recentBounds) forget() {
	r.mu.Lock()
	r.ring, r.at = nil, 0
	r.mu.Unlock()
}
