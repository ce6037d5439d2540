// Package decode reads the records of one partition out of an answer of Fetch.
//
// It walks the batches one by one, decompresses one when its turn comes, checks what can be checked (CRC, counts,
// order of offsets), and skips what the application must not see: records in front of the position, control records,
// and, for read_committed, those of aborted transactions (KIP-98). It allocates nothing for a record that is not
// compressed, and one buffer for a batch that is. Keys and values lie in those buffers, which are never used again, so
// the application may keep them.
package decode

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// Record is one record as it lies in its batch.
type Record = record.Record

// Aborted is a transaction that was aborted: what the producer wrote from FirstOffset on, up to its abort marker, does
// not count.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Config says how batches are read.
type Config struct {
	ReadCommitted bool
	// DecompressedBytesMax bounds one batch; 0 means 64 MiB.
	DecompressedBytesMax int
}

// Corrupt is damage: the batch or record at Offset cannot be read, and trying again will not help unless another
// replica has it right.
type Corrupt struct {
	Offset int64 // the first offset that cannot be read
	Next   int64 // the first behind the damage, if the batch's header can be trusted; else -1
	Reason error
}

func (c *Corrupt) Error() string {
	return fmt.Sprintf("the batch at offset %d cannot be read: %v", c.Offset, c.Reason)
}

func (c *Corrupt) Unwrap() error { return c.Reason }

// Cursor is a place in a partition's part of an answer. Not safe for concurrent use.
type Cursor struct {
	cfg     Config
	rest    []byte
	next    int64 // the offset of the next record that is wanted
	epoch   int32 // of the last batch that was entered
	aborted []Aborted
	cut     map[int64]bool // producers whose transaction is aborted, at this place
	reader  *record.Reader
	batch   record.Batch
	last    int64 // the last offset of the batch at hand
	whole   bool  // at least one batch was whole
	stamped bool  // the batch has LogAppendTime
	err     error
}

// New returns a Cursor on the batches in data, for records from the offset from on. The last batch may be cut off, as
// Kafka's brokers do. data is never changed, and what the Cursor yields lies in it.
func New(data []byte, from int64, aborted []Aborted, cfg Config) *Cursor {
	c := &Cursor{cfg: cfg, rest: data, next: from, epoch: -1}
	if cfg.ReadCommitted && len(aborted) > 0 {
		c.aborted = slices.Clone(aborted)
		slices.SortFunc(c.aborted, func(a, b Aborted) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
		c.cut = map[int64]bool{}
	}
	return c
}

// Next goes to the next record that the application is to see; false at the end or at damage, see Err. The Record is
// valid until the next call; its slices stay valid.
func (c *Cursor) Next() *Record {
	for c.err == nil {
		if c.reader == nil && !c.enter() {
			return nil
		}
		for c.reader.Next() {
			r := c.reader.Record()
			if int64(r.Offset) < c.next {
				continue
			}
			c.next = int64(r.Offset) + 1
			return r
		}
		if err := c.reader.Err(); err != nil {
			c.damaged(c.next, err)
			c.leave()
			return nil
		}
		c.next = c.last + 1
		c.leave()
	}
	return nil
}

// enter goes to the next batch that has something for the application.
func (c *Cursor) enter() bool {
	for len(c.rest) > 0 {
		batch, rest, err := record.Split(c.rest)
		switch {
		case errors.Is(err, record.ErrTruncated) && c.whole:
			c.rest = nil
			return false
		case errors.Is(err, record.ErrTruncated):
			c.damagedHeader(fmt.Errorf("the answer ends within its first batch: %w", err))
			return false
		case err != nil:
			c.damagedHeader(err)
			return false
		}
		c.whole = true
		if err := batch.Check(); err != nil {
			c.damagedHeader(err)
			return false
		}
		c.rest = rest
		last := int64(batch.LastOffset())
		if last < c.next {
			continue
		}
		c.epoch = int32(batch.LeaderEpoch())
		if c.skips(batch) {
			c.next = last + 1
			continue
		}
		c.batch, c.last, c.stamped = batch, last, batch.LogAppendTime()
		c.reader = batch.Records(record.Limits{DecompressedBytesMax: c.cfg.DecompressedBytesMax})
		c.reader.Keep()
		return true
	}
	return false
}

// skips reports whether nothing of the batch is for the application.
func (c *Cursor) skips(b record.Batch) bool {
	if c.cut != nil {
		for len(c.aborted) > 0 && c.aborted[0].FirstOffset <= int64(b.LastOffset()) {
			c.cut[c.aborted[0].ProducerID] = true
			c.aborted = c.aborted[1:]
		}
	}
	if b.Control() {
		if c.cut != nil && isAbort(b) {
			delete(c.cut, b.ProducerID())
		}
		return true
	}
	return c.cut != nil && b.Transactional() && c.cut[b.ProducerID()]
}

func isAbort(b record.Batch) bool {
	r := b.Records(record.Limits{})
	defer r.Close()
	if !r.Next() {
		return false
	}
	kind, _, err := record.ParseControl(r.Record().Key)
	return err == nil && kind == record.ControlAbort
}

func (c *Cursor) leave() {
	c.reader.Close()
	c.reader, c.batch = nil, nil
}

func (c *Cursor) damaged(at int64, err error) {
	c.err = &Corrupt{Offset: at, Next: c.last + 1, Reason: err}
}

// damagedHeader is damage of a batch whose header says where it ends, or does not.
func (c *Cursor) damagedHeader(err error) {
	c.err = &Corrupt{Offset: c.next, Next: -1, Reason: err}
}

// Err is why Next returned nil before the end, always a *Corrupt, or nil.
func (c *Cursor) Err() error { return c.err }

// Position is the offset of the next record: behind the last one that Next returned, and behind what was skipped
// after it.
func (c *Cursor) Position() int64 { return c.next }

// LeaderEpoch is that of the last batch that was entered, or -1.
func (c *Cursor) LeaderEpoch() int32 { return c.epoch }

// LogAppendTime reports whether the record that Next returned has the time at which the broker appended it.
func (c *Cursor) LogAppendTime() bool { return c.stamped }

// Close gives up what is left. The Cursor must not be used any more.
func (c *Cursor) Close() {
	if c.reader != nil {
		c.leave()
	}
	c.rest = nil
}

// Magic is the version of the first message set or batch of data, or -1 if there is none: 0 and 1 are of brokers before
// Kafka 0.11, which this package does not read.
func Magic(data []byte) int8 {
	const at = 16
	if len(data) <= at || binary.BigEndian.Uint32(data[8:]) == 0 {
		return -1
	}
	return int8(data[at])
}
