package commitlog

import (
	"hash/maphash"

	"github.com/skein-io/skein/internal/record"
)

// offsetMap is the newest offset of each key in the dirty part of a log. It keeps 128 bits of hash in place of the key,
// so two keys are taken for one with a chance of about n^2 in 2^128; the hash is seeded anew each time, so nobody can
// look for such keys beforehand. Open addressing; its memory is bounded, and it says when it is full.
type offsetMap struct {
	seeds  [2]maphash.Seed
	slots  []offsetSlot
	used   int
	max    int // slots that the memory allows
	latest record.Offset
}

type offsetSlot struct {
	hash   [2]uint64
	offset record.Offset // plus one, so that the zero slot is free
}

const (
	offsetSlotSize = 24
	offsetSlotsMin = 1 << 10
	// offsetMapLoad is how full the map may be, in percent.
	offsetMapLoad = 75
)

func newOffsetMap(bytesMax int) *offsetMap {
	m := &offsetMap{max: max(bytesMax/offsetSlotSize, offsetSlotsMin), latest: -1}
	m.seeds[0], m.seeds[1] = maphash.MakeSeed(), maphash.MakeSeed()
	m.slots = make([]offsetSlot, offsetSlotsMin)
	return m
}

// room says whether n more keys fit.
func (m *offsetMap) room(n int) bool { return (m.used+n)*100 <= m.max*offsetMapLoad }

// put notes that a key stands at an offset. Offsets ascend. room has been asked.
func (m *offsetMap) put(key []byte, offset record.Offset) {
	if (m.used+1)*100 > len(m.slots)*offsetMapLoad {
		m.grow()
	}
	h := m.hash(key)
	s := &m.slots[m.find(h)]
	if s.offset == 0 {
		s.hash = h
		m.used++
	}
	s.offset = offset + 1
}

// get is the newest offset of a key, -1 if it is not in the map.
func (m *offsetMap) get(key []byte) record.Offset { return m.slots[m.find(m.hash(key))].offset - 1 }

func (m *offsetMap) hash(key []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(m.seeds[0], key), maphash.Bytes(m.seeds[1], key)}
}

// find is the slot that has a hash, or the free one where it would go.
func (m *offsetMap) find(h [2]uint64) int {
	n := uint64(len(m.slots))
	i := h[0] % n
	for m.slots[i].offset != 0 && m.slots[i].hash != h {
		if i++; i == n {
			i = 0
		}
	}
	return int(i)
}

func (m *offsetMap) grow() {
	old := m.slots
	m.slots = make([]offsetSlot, min(max(len(old)*2, offsetSlotsMin), max(m.max, len(old)+offsetSlotsMin)))
	for _, s := range old {
		if s.offset != 0 {
			m.slots[m.find(s.hash)] = s
		}
	}
}
