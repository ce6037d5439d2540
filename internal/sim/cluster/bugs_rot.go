package cluster

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/skein-io/skein/internal/disk"
)

// markName is the file with the durable marks of all logs.
const markName = "durable-mark"

// forgetfulDisk has RotIsCut: who opens the durable mark is shown one by which no record was ever durable. So each flaw that
// recovery finds is above the mark, and a torn tail.
type forgetfulDisk struct{ disk.FS }

// Open implements disk.FS.
func (d forgetfulDisk) Open(name string) (disk.File, error) {
	f, err := d.FS.Open(name)
	if err != nil || name != markName {
		return f, err
	}
	return forgetfulMark{f}, nil
}

type forgetfulMark struct{ disk.File }

// The slots of a mark, as package commitlog describes them: a checksum over all behind it, and among that the end and the start of
// a log.
const (
	markSlots    = 4096 // where they begin, behind the header
	markSlotSize = 64
	markEndAt    = 36
	markStartAt  = 44
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ReadAt implements disk.File.
func (f forgetfulMark) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(b, at)
	for i := markSlots; at == 0 && i+markSlotSize <= n; i += markSlotSize {
		slot := b[i : i+markSlotSize]
		if binary.BigEndian.Uint32(slot) == crc32.Checksum(slot[4:], castagnoli) {
			copy(slot[markEndAt:markStartAt], slot[markStartAt:markStartAt+8])
			binary.BigEndian.PutUint32(slot, crc32.Checksum(slot[4:], castagnoli))
		}
	}
	return n, err
}
