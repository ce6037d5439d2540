package commitlog

import (
	"encoding/binary"
	"math"
	"sort"
	"sync"

	"github.com/skein-io/skein/internal/record"
)

// The time index of a segment, as in Kafka: timestamps and offsets both ascend strictly, big-endian.
//
//	0                     8                  12
//	+---------------------+------------------+
//	| largest timestamp   | last offset of   |  no batch up to the offset has a larger timestamp, and the batch
//	| so far, ms, int64   | its batch, int32 |  that ends with it has this one
//	+---------------------+------------------+
const timeEntrySize = 12

type timeEntry struct {
	timestamp int64
	relative  int32
}

// TimestampOffset is a timestamp, in milliseconds since 1970, and the offset of a record that has it.
type TimestampOffset struct {
	Timestamp int64
	Offset    record.Offset
}

type timeIndex struct {
	files *fileCache
	file  cachedFile
	base  record.Offset

	mu      sync.RWMutex
	flushed int // entries on disk
	tail    []timeEntry
	newest  timeEntry // the last entry, if there is one
	max     TimestampOffset
	known   bool // max is known: always for the active segment, on demand for others
}

// observe notes the largest timestamp of a batch and the batch's last offset.
func (x *timeIndex) observe(timestamp int64, last record.Offset) {
	x.mu.Lock()
	if timestamp > x.max.Timestamp {
		x.max = TimestampOffset{timestamp, last}
	}
	x.mu.Unlock()
}

// add makes an entry of the largest timestamp so far, if that says anything new.
func (x *timeIndex) add() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.max.Timestamp < 0 {
		return
	}
	e := timeEntry{x.max.Timestamp, int32(x.max.Offset - x.base)}
	if x.flushed+len(x.tail) > 0 && (e.timestamp <= x.newest.timestamp || e.relative <= x.newest.relative) {
		return
	}
	x.tail = append(x.tail, e)
	x.newest = e
}

func (x *timeIndex) count() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.flushed + len(x.tail)
}

// before returns the last entry whose timestamp is less than the given one: every record up to its offset is older. ok
// is false if there is none.
func (x *timeIndex) before(timestamp int64) (found TimestampOffset, ok bool, err error) {
	older := func(e timeEntry) bool { return e.timestamp < timestamp }
	x.mu.RLock()
	if n := sort.Search(len(x.tail), func(i int) bool { return !older(x.tail[i]) }); n > 0 {
		defer x.mu.RUnlock()
		return x.meaning(x.tail[n-1]), true, nil
	}
	flushed := x.flushed
	x.mu.RUnlock()
	if flushed == 0 {
		return found, false, nil
	}
	err = searchFile(x.files, &x.file, flushed, timeEntrySize, func(b []byte) bool {
		e := decodeTimeEntry(b)
		if older(e) {
			found, ok = x.meaning(e), true
		}
		return older(e)
	})
	return found, ok, err
}

func (x *timeIndex) meaning(e timeEntry) TimestampOffset {
	return TimestampOffset{e.timestamp, x.base + record.Offset(e.relative)}
}

// learned says what the largest timestamp is, where the index could not.
func (x *timeIndex) learned(max TimestampOffset) {
	x.mu.Lock()
	x.max, x.known = max, true
	x.newest = timeEntry{max.Timestamp, int32(max.Offset - x.base)}
	x.mu.Unlock()
}

// lastEntry is the last entry of a sealed segment, which has the largest timestamp; known is false while nobody has
// compared it with the log.
func (x *timeIndex) lastEntry() (found TimestampOffset, known bool, err error) {
	x.mu.RLock()
	found, known = x.max, x.known
	n := x.flushed
	x.mu.RUnlock()
	if known || n == 0 {
		return found, known, nil
	}
	e, err := x.onDisk(n - 1)
	return x.meaning(e), false, err
}

func (x *timeIndex) onDisk(i int) (timeEntry, error) {
	var b [timeEntrySize]byte
	err := x.files.readAt(&x.file, b[:], int64(i)*timeEntrySize)
	return decodeTimeEntry(b[:]), err
}

// entry reads one entry by its number.
func (x *timeIndex) entry(i int) (timeEntry, error) {
	x.mu.RLock()
	if i >= x.flushed {
		defer x.mu.RUnlock()
		return x.tail[i-x.flushed], nil
	}
	x.mu.RUnlock()
	return x.onDisk(i)
}

func (x *timeIndex) encodeTail() (b []byte, at int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	b = make([]byte, 0, len(x.tail)*timeEntrySize)
	for _, e := range x.tail {
		b = binary.BigEndian.AppendUint64(b, uint64(e.timestamp))
		b = binary.BigEndian.AppendUint32(b, uint32(e.relative))
	}
	return b, int64(x.flushed) * timeEntrySize
}

func (x *timeIndex) tailFlushed() {
	x.mu.Lock()
	x.flushed += len(x.tail)
	x.tail = nil
	x.mu.Unlock()
}

// keep forgets every entry from number n on and takes the last that remains for the largest timestamp so far.
func (x *timeIndex) keep(n int) (flushed int, err error) {
	newest := timeEntry{timestamp: math.MinInt64}
	if n > 0 {
		if newest, err = x.entry(n - 1); err != nil {
			return 0, err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if n <= x.flushed {
		x.flushed, x.tail = n, nil
	} else {
		rest := n - x.flushed
		x.tail = x.tail[:rest:rest]
	}
	x.max, x.known = TimestampOffset{record.NoTimestamp, x.base}, true
	if n > 0 {
		x.newest = newest
		x.max = TimestampOffset{newest.timestamp, x.base + record.Offset(newest.relative)}
	}
	return x.flushed, nil
}

// ascendsTo looks whether the last of n entries on disk goes on from the one before: a page that a crash left zero
// does not.
func (x *timeIndex) ascendsTo(n int) (bool, error) {
	if n == 0 {
		return true, nil
	}
	last, err := x.onDisk(n - 1)
	if err != nil || n == 1 {
		return last.timestamp > 0, err
	}
	before, err := x.onDisk(n - 2)
	return last.timestamp > before.timestamp && last.relative > before.relative, err
}

func decodeTimeEntry(b []byte) timeEntry {
	return timeEntry{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}
}
