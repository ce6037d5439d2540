package logdump

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
)

// A producer snapshot, Kafka's version 1: the idempotent producers as they were at the offset in the file's name.
// Big-endian; the CRC-32C covers what is behind it.
//
//	+---------------+---------+-------------+---------------------------------------------------------------------
//	| version int16 | crc u32 | count int32 | per entry: producer id int64, epoch int16, last sequence int32, last
//	| = 1           |         |             | offset int64, offset delta int32, timestamp int64, coordinator epoch
//	|               |         |             | int32, first offset of the open transaction int64 (-1: none)
//	+---------------+---------+-------------+---------------------------------------------------------------------
//
// Kafka writes one entry for a producer; skein writes one for each batch that it remembers, oldest first.
const (
	snapshotHeaderSize = 10
	snapshotEntrySize  = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkSnapshot returns the entries of a snapshot that is whole.
func checkSnapshot(b []byte) ([]byte, error) {
	if len(b) < snapshotHeaderSize {
		return nil, fmt.Errorf("the producer snapshot has %d bytes; its header alone has %d", len(b), snapshotHeaderSize)
	}
	if version := int16(binary.BigEndian.Uint16(b)); version != 1 {
		return nil, fmt.Errorf("the producer snapshot has version %d; known is 1", version)
	}
	if stated, computed := binary.BigEndian.Uint32(b[2:]), crc32.Checksum(b[6:], castagnoli); stated != computed {
		return nil, fmt.Errorf("the producer snapshot states CRC %08x and has %08x", stated, computed)
	}
	count := int64(int32(binary.BigEndian.Uint32(b[6:])))
	if count < 0 || count*snapshotEntrySize != int64(len(b)-snapshotHeaderSize) {
		return nil, fmt.Errorf("the producer snapshot states %d entries and has %d bytes of them", count, len(b)-snapshotHeaderSize)
	}
	return b[snapshotHeaderSize:], nil
}

// snapshotEntries yields the bytes of each entry.
func snapshotEntries(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for ; len(b) > 0; b = b[snapshotEntrySize:] {
			if !yield(b[:snapshotEntrySize]) {
				return
			}
		}
	}
}

func snapshotRows(b []byte) ([]row, error) {
	entries, err := checkSnapshot(b)
	if err != nil {
		return nil, err
	}
	var rows []row
	for e := range snapshotEntries(entries) {
		r := row{kind: "producer"}
		r.add("producerId", int64(binary.BigEndian.Uint64(e)))
		r.add("producerEpoch", int16(binary.BigEndian.Uint16(e[8:])))
		r.add("coordinatorEpoch", int32(binary.BigEndian.Uint32(e[34:])))
		r.add("currentTxnFirstOffset", int64(binary.BigEndian.Uint64(e[38:])))
		r.add("lastTimestamp", int64(binary.BigEndian.Uint64(e[26:])))
		last, delta := int32(binary.BigEndian.Uint32(e[10:])), int32(binary.BigEndian.Uint32(e[22:]))
		r.add("lastSequence", last)
		r.add("lastOffset", int64(binary.BigEndian.Uint64(e[14:])))
		r.add("offsetDelta", delta)
		rows = append(rows, r)
	}
	return rows, nil
}
