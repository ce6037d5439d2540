package commitlog

import (
	"encoding/binary"
	"math"
	"sort"
	"sync"

	"github.com/skein-io/skein/internal/record"
)

// The offset index of a segment, as in Kafka: one entry for about every index.interval.bytes, big-endian, ascending.
//
//	0                 4                8
//	+-----------------+----------------+
//	| last offset of  | position of    |  the offset is relative to the segment's base
//	| the batch int32 | the batch int32|
//	+-----------------+----------------+
//
// Entries of the active segment gather in memory and are appended to the file at each checkpoint: at most 64 MiB of log
// are without entries on disk. What is on disk is read by pread, so a sealed segment holds no index in memory.
const offsetEntrySize = 8

type offsetEntry struct {
	relative int32
	position int32
}

type offsetIndex struct {
	files *fileCache
	file  cachedFile
	base  record.Offset

	mu      sync.RWMutex
	flushed int           // entries on disk
	tail    []offsetEntry // entries behind those
}

// add notes a batch. Offsets and positions ascend.
func (x *offsetIndex) add(last record.Offset, position int64) {
	x.mu.Lock()
	x.tail = append(x.tail, offsetEntry{int32(last - x.base), int32(position)})
	x.mu.Unlock()
}

// count is the number of entries.
func (x *offsetIndex) count() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.flushed + len(x.tail)
}

// indexed is a batch that an index names: where it begins and which offset it ends with.
type indexed struct {
	position int64
	last     record.Offset
}

// lookup returns a batch at or before the one that holds offset; ok is false if there is no entry so low.
func (x *offsetIndex) lookup(offset record.Offset) (indexed, bool, error) {
	relative := clampInt32(int64(offset - x.base))
	return x.found(x.last(func(e offsetEntry) bool { return e.relative <= relative }))
}

// boundary returns the batch with the largest indexed position that is at most position.
func (x *offsetIndex) boundary(position int64) (indexed, bool, error) {
	limit := clampInt32(position)
	return x.found(x.last(func(e offsetEntry) bool { return e.position <= limit }))
}

func (x *offsetIndex) found(e offsetEntry, ok bool, err error) (indexed, bool, error) {
	return indexed{int64(e.position), x.base + record.Offset(e.relative)}, ok && err == nil, err
}

// last finds the last entry that holds the condition; the condition holds for a prefix of the entries.
func (x *offsetIndex) last(holds func(offsetEntry) bool) (offsetEntry, bool, error) {
	x.mu.RLock()
	if n := sort.Search(len(x.tail), func(i int) bool { return !holds(x.tail[i]) }); n > 0 {
		e := x.tail[n-1]
		x.mu.RUnlock()
		return e, true, nil
	}
	flushed := x.flushed
	x.mu.RUnlock()
	if flushed == 0 {
		return offsetEntry{}, false, nil
	}
	return x.lastOnDisk(flushed, holds)
}

func (x *offsetIndex) lastOnDisk(flushed int, holds func(offsetEntry) bool) (offsetEntry, bool, error) {
	var found offsetEntry
	var ok bool
	err := searchFile(x.files, &x.file, flushed, offsetEntrySize, func(b []byte) bool {
		e := decodeOffsetEntry(b)
		if holds(e) {
			found, ok = e, true
			return true
		}
		return false
	})
	return found, ok, err
}

// entry reads one entry by its number.
func (x *offsetIndex) entry(i int) (offsetEntry, error) {
	x.mu.RLock()
	flushed := x.flushed
	if i >= flushed {
		defer x.mu.RUnlock()
		return x.tail[i-flushed], nil
	}
	x.mu.RUnlock()
	var b [offsetEntrySize]byte
	err := x.files.readAt(&x.file, b[:], int64(i)*offsetEntrySize)
	return decodeOffsetEntry(b[:]), err
}

// encodeTail is the bytes that flush writes, at the byte where they belong.
func (x *offsetIndex) encodeTail() (b []byte, at int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	b = make([]byte, 0, len(x.tail)*offsetEntrySize)
	for _, e := range x.tail {
		b = binary.BigEndian.AppendUint32(b, uint32(e.relative))
		b = binary.BigEndian.AppendUint32(b, uint32(e.position))
	}
	return b, int64(x.flushed) * offsetEntrySize
}

// tailFlushed says that encodeTail's bytes are in the file.
func (x *offsetIndex) tailFlushed() {
	x.mu.Lock()
	x.flushed += len(x.tail)
	x.tail = nil
	x.mu.Unlock()
}

// keep forgets every entry from number n on, and says how many remain on disk.
func (x *offsetIndex) keep(n int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n <= x.flushed {
		x.flushed, x.tail = n, nil
	} else if rest := n - x.flushed; rest < len(x.tail) {
		x.tail = x.tail[:rest:rest]
	}
	return x.flushed
}

func decodeOffsetEntry(b []byte) offsetEntry {
	return offsetEntry{int32(binary.BigEndian.Uint32(b)), int32(binary.BigEndian.Uint32(b[4:]))}
}

func clampInt32(v int64) int32 {
	return int32(min(max(v, math.MinInt32), math.MaxInt32))
}
