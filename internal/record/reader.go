package record

import (
	"sync"

	"github.com/skein-io/skein/internal/protocol"
)

// Reader walks the records of one batch. It allocates nothing per record; the buffer for decompressed records is
// pooled. Not safe for concurrent use.
//
//	r := batch.Records(limits)
//	defer r.Close()
//	for r.Next() {
//		use(r.Record())
//	}
//	return r.Err()
type Reader struct {
	batch     Batch
	rest      []byte
	left      int32 // records still to come
	last      int32 // offset delta of the record before
	lastDelta int32
	base      int64 // what timestamps count from
	appended  bool  // all records have the timestamp base
	parsed    parsed
	record    Record
	err       error
	buffer    buffer
	keep      bool // the buffer is the caller's
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

// Records returns a Reader on the batch's records. The batch's header has been checked; its records may be hostile. A
// batch that cannot be decompressed within the limits yields no record, and Err says why: MESSAGE_TOO_LARGE or
// INVALID_RECORD.
func (b Batch) Records(limits Limits) *Reader {
	r := readers.Get().(*Reader)
	r.reset(b)
	r.rest, r.err = r.buffer.decompress(b, limits.decompressedBytesMax())
	return r
}

func (r *Reader) reset(b Batch) {
	r.batch, r.left, r.last, r.lastDelta = b, b.Count(), -1, b.LastOffsetDelta()
	r.base, r.appended = b.BaseTimestamp(), b.LogAppendTime()
	if r.appended {
		r.base = b.MaxTimestamp()
	}
	r.parsed, r.record = parsed{}, Record{}
}

// Next goes to the next record; false at the end or at the first flaw.
func (r *Reader) Next() bool {
	if !r.step() {
		return false
	}
	r.record = Record{
		Offset:    r.batch.BaseOffset() + Offset(r.parsed.offsetDelta),
		Timestamp: r.timestamp(),
		Key:       r.parsed.key,
		Value:     r.parsed.value,
		Headers:   r.parsed.headers,
	}
	return true
}

// step parses the next record and checks its place.
func (r *Reader) step() bool {
	if r.left <= 0 || r.err != nil {
		return r.finish()
	}
	size, bad := parseRecord(r.rest, &r.parsed)
	if bad != "" {
		return r.refuse(bad)
	}
	if r.parsed.offsetDelta <= r.last || r.parsed.offsetDelta > r.lastDelta {
		return r.refuse("its offset delta is not above that of the record before, or above the batch's last")
	}
	r.last = r.parsed.offsetDelta
	r.rest = r.rest[size:]
	r.left--
	return true
}

// look is step for who wants to know of a record no more than this. After it Next must not be called.
func (r *Reader) look() (timestamp int64, keyed, ok bool) {
	if r.left > 0 && r.err == nil {
		if g, ordinary := glanceAt(r.rest); ordinary && g.offsetDelta > r.last && g.offsetDelta <= r.lastDelta {
			r.last = g.offsetDelta
			r.rest = r.rest[g.size:]
			r.left--
			timestamp = r.base
			if !r.appended {
				timestamp += int64(g.timestampDelta)
			}
			return timestamp, g.keyLength >= 0, true
		}
	}
	ok = r.step()
	return r.timestamp(), r.parsed.key != nil, ok
}

func (r *Reader) finish() bool {
	if r.err == nil && len(r.rest) > 0 {
		r.err = protocol.Fail(protocol.InvalidRecord, "%d bytes are left behind the last of %d records", len(r.rest), r.batch.Count())
	}
	return false
}

func (r *Reader) refuse(bad flaw) bool {
	r.err = protocol.Fail(protocol.InvalidRecord, "record %d of %d in the batch is damaged: %s", r.index(), r.batch.Count(), string(bad))
	return false
}

// index is the number of the record at hand, from 0.
func (r *Reader) index() int32 { return r.batch.Count() - r.left }

func (r *Reader) timestamp() int64 {
	if r.appended {
		return r.base
	}
	return r.base + r.parsed.timestampDelta
}

// Record is the record that Next went to. Both the Record and its slices are valid until the next call of Next or
// Close.
func (r *Reader) Record() *Record { return &r.record }

// Err is why Next returned false before the last record, or nil.
func (r *Reader) Err() error { return r.err }

// Keep makes what the Reader yields valid for ever: the buffer is not pooled again. To be called before the first Next.
func (r *Reader) Keep() { r.keep = true }

// Close gives the buffer back, unless it is kept. The Reader must not be used any more, nor what it yielded.
func (r *Reader) Close() {
	r.batch, r.rest, r.err = nil, nil, nil
	r.parsed, r.record = parsed{}, Record{}
	if r.keep {
		r.buffer, r.keep = buffer{}, false
	}
	r.buffer.shrink()
	readers.Put(r)
}
