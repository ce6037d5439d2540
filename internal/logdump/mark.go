package logdump

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// The durable mark says of each log of a data directory up to which offset it was synced. Pages of 4096 bytes: a
// header, then pairs; a log has a slot of 64 bytes in both pages of a pair, and of the two that with the higher
// sequence counts. Big-endian; each CRC-32C covers what is behind it, of the header 28 bytes.
//
//	header: | crc u32 | "skein durable mark" and zeros, 24 | version u32 |
//	slot:   | crc u32 | 0 u32 | sequence u32 | topic id 16 | partition int32 | epoch int32 | end int64 | start int64 | 0.. |
const (
	markPageSize  = 4096
	markSlotSize  = 64
	markMagic     = "skein durable mark"
	markHeaderLen = 32
)

// marked is what the mark says of one log.
type marked struct {
	topicID    protocol.UUID
	partition  int32
	epoch      record.LeaderEpoch
	start, end record.Offset
	sequence   uint32
}

// parseMark returns the slot that counts of each log, in the file's order. Slots that are not whole say nothing.
func parseMark(b []byte) ([]marked, error) {
	if len(b) < markPageSize || string(b[4:4+len(markMagic)]) != markMagic {
		return nil, fmt.Errorf("no durable mark: its first page is missing or another file's")
	}
	if version := binary.BigEndian.Uint32(b[markHeaderLen-4:]); version != 1 {
		return nil, fmt.Errorf("the durable mark has version %d; known is 1: use a newer skein", version)
	}
	var all []marked
	for pair := b[markPageSize:]; len(pair) > 0; pair = pair[min(len(pair), 2*markPageSize):] {
		for at := 0; at < markPageSize; at += markSlotSize {
			first, ok1 := parseSlot(pair, at)
			second, ok2 := parseSlot(pair, at+markPageSize)
			if ok2 && (!ok1 || int32(second.sequence-first.sequence) > 0) {
				first, ok1 = second, true
			}
			if ok1 {
				all = append(all, first)
			}
		}
	}
	return all, nil
}

func parseSlot(b []byte, at int) (m marked, ok bool) {
	if at+markSlotSize > len(b) {
		return m, false
	}
	b = b[at : at+markSlotSize]
	m.sequence = binary.BigEndian.Uint32(b[8:])
	copy(m.topicID[:], b[12:])
	m.partition = int32(binary.BigEndian.Uint32(b[28:]))
	m.epoch = record.LeaderEpoch(binary.BigEndian.Uint32(b[32:]))
	m.end = record.Offset(binary.BigEndian.Uint64(b[36:]))
	m.start = record.Offset(binary.BigEndian.Uint64(b[44:]))
	return m, m.sequence > 0 && binary.BigEndian.Uint32(b) == crc32.Checksum(b[4:], castagnoli)
}

func markRows(b []byte) ([]row, error) {
	all, err := parseMark(b)
	var rows []row
	for _, m := range all {
		r := row{kind: "mark"}
		r.add("topicId", m.topicID.String())
		r.add("partition", m.partition)
		r.add("leaderEpoch", int32(m.epoch))
		r.add("startOffset", int64(m.start))
		r.add("durableEndOffset", int64(m.end))
		r.add("sequence", m.sequence)
		rows = append(rows, r)
	}
	return rows, err
}
