package commitlog

import (
	"errors"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// cleanWriteBytes is how much of a new segment is written at once.
const cleanWriteBytes = 1 << 20

// cleanedSegment is a segment in the making, under names that end in .cleaned.
type cleanedSegment struct {
	*segment
	file     disk.File
	buffer   []byte
	position int64 // of the end, the buffer included
	written  int64
	interval int64
	next     record.Offset // offset after the last batch
	builder  *record.Builder
	changed  bool // it is not what it was made from
}

// cleanGroup writes what remains of some neighbouring segments into a new one and puts it in their place.
func (c *cleaner) cleanGroup(group []*segment) error {
	to, err := c.newCleaned(group)
	if err != nil {
		return err
	}
	defer c.log.files.release(&to.log)
	err = c.fill(to, group)
	if err == nil && !to.changed && len(group) == 1 {
		return c.discard(to)
	}
	if err == nil {
		err = c.seal(to, group)
	}
	if err == nil {
		err = c.giveWay()
	}
	if err != nil {
		return errors.Join(err, c.discard(to))
	}
	c.result.SegmentsFrom += len(group)
	c.result.SegmentsTo++
	c.result.BytesWritten += to.position
	return c.swap(to, group)
}

func (c *cleaner) newCleaned(group []*segment) (*cleanedSegment, error) {
	s := newSegment(c.log.files, c.log.folder, group[0].base)
	for _, f := range s.cached() {
		f.name += cleanedSuffix
		if err := c.log.dir.fs.Remove(f.name); err != nil && !missing(err) { // indexes are appended to: none may be there
			return nil, err
		}
	}
	s.times.known = true
	file, err := c.log.files.create(&s.log)
	if err != nil {
		return nil, err
	}
	return &cleanedSegment{segment: s, file: file, interval: c.config.IndexIntervalBytes, builder: record.NewBuilder()}, nil
}

// discard takes the new segment away; the old ones stay.
func (c *cleaner) discard(to *cleanedSegment) error {
	to.drop()
	return c.log.removeFiles(to.segment)
}

// fill cleans batch by batch.
func (c *cleaner) fill(to *cleanedSegment, group []*segment) error {
	for i, s := range group {
		final := i == len(group)-1
		size := s.size.Load()
		err := s.eachWhole(func(b record.Batch, position int64) error {
			if err := c.giveWay(); err != nil {
				return err
			}
			c.result.BytesRead += int64(len(b))
			last := final && position+int64(len(b)) == size
			kept, err := c.clean1(to, b, last)
			if err != nil {
				return err
			}
			return to.add(kept)
		})
		if err != nil {
			return err
		}
	}
	return to.flush()
}

// clean1 is what remains of a batch: itself, a shorter one, an empty one, or nothing (nil).
func (c *cleaner) clean1(to *cleanedSegment, b record.Batch, last bool) (record.Batch, error) {
	if b.Control() || b.BaseOffset() > c.keys.latest {
		c.result.RecordsRead += int64(b.Count())
		c.result.RecordsKept += int64(b.Count())
		return b, nil
	}
	kept, tombstones, err := c.count(b)
	if err != nil {
		return nil, err
	}
	c.result.RecordsRead += int64(b.Count())
	c.result.RecordsKept += int64(kept)
	_, hasHorizon := b.DeleteHorizon()
	needsHorizon := tombstones && !hasHorizon
	if kept == b.Count() && !needsHorizon && (kept > 0 || last || c.lastOfProducer(b)) {
		return b, nil
	}
	to.changed = true
	if kept == 0 && !last && !c.lastOfProducer(b) {
		return nil, nil
	}
	return c.rebuild(to.builder, b, needsHorizon)
}

// lastOfProducer says whether the batch holds the newest sequence of its producer.
func (c *cleaner) lastOfProducer(b record.Batch) bool {
	last, ok := c.producers[b.ProducerID()]
	return ok && last == b.LastOffset()
}

// count looks how many records of a batch stay, and whether a tombstone is among them.
func (c *cleaner) count(b record.Batch) (kept int32, tombstones bool, err error) {
	horizon, hasHorizon := b.DeleteHorizon()
	passed := hasHorizon && c.now >= horizon
	r := b.Records(c.log.limits())
	defer r.Close()
	for r.Next() {
		if m := r.Record(); c.stays(m, passed) {
			kept++
			tombstones = tombstones || m.Value == nil
		}
	}
	return kept, tombstones, r.Err()
}

// stays decides on one record: the newest of its key stays, a tombstone until its batch's delete horizon has passed. A
// record without a key cannot be told from another and goes, as in Kafka.
func (c *cleaner) stays(m *record.Record, horizonPassed bool) bool {
	if m.Offset > c.keys.latest {
		return true
	}
	return m.Key != nil && m.Offset >= c.keys.get(m.Key) && (m.Value != nil || !horizonPassed)
}

// rebuild makes the batch that remains. A tombstone that stays for the first time gets its delete horizon: from then
// on it can be read for delete.retention.ms.
func (c *cleaner) rebuild(builder *record.Builder, b record.Batch, needsHorizon bool) (record.Batch, error) {
	horizon, hasHorizon := b.DeleteHorizon()
	passed := hasHorizon && c.now >= horizon
	builder.Inherit(b)
	builder.SetCodec(b.Codec(), c.config.CompressionLevel)
	if needsHorizon {
		builder.SetDeleteHorizon(later(c.now, c.config.DeleteRetentionMs))
	}
	r := b.Records(c.log.limits())
	defer r.Close()
	for r.Next() {
		m := r.Record()
		if !c.stays(m, passed) {
			continue
		}
		if err := builder.Append(m); err != nil {
			return nil, err
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return builder.Build()
}

// add puts a batch at the end.
func (s *cleanedSegment) add(b record.Batch) error {
	if b == nil {
		return nil
	}
	s.note(b.LastOffset(), s.position, int64(len(b)), largestTime(b), s.interval)
	s.position += int64(len(b))
	s.next = b.NextOffset()
	s.buffer = append(s.buffer, b...)
	if len(s.buffer) >= cleanWriteBytes {
		return s.flush()
	}
	return nil
}

func (s *cleanedSegment) flush() error {
	if len(s.buffer) == 0 {
		return nil
	}
	if _, err := s.file.WriteAt(s.buffer, s.written); err != nil {
		return err
	}
	s.written += int64(len(s.buffer))
	s.buffer = s.buffer[:0]
	return nil
}

// seal makes the new segment and its indexes durable under their .cleaned names.
func (c *cleaner) seal(to *cleanedSegment, group []*segment) error {
	newest := group[len(group)-1]
	to.times.add()
	if err := to.flushIndexes(); err != nil {
		return err
	}
	to.size.Store(to.position)
	to.segment.next.Store(int64(newest.nextOffset()))
	to.created, to.lastAppend = newest.created, newest.lastAppend
	if c.log.dir.faults.swapsEarly() {
		return nil
	}
	for _, f := range to.cached() {
		file, err := c.log.files.acquire(f)
		if err != nil {
			return err
		}
		err = file.Sync()
		c.log.files.release(f)
		if err != nil {
			return c.log.dir.goOffline(err)
		}
	}
	return c.log.dir.fs.SyncDir(c.log.folder)
}
