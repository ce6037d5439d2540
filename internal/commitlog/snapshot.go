package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/skein-io/skein/internal/record"
)

// A producer snapshot, Kafka's version 1: the producers as they were when the log ended at the offset in the file's
// name. Big-endian; the CRC-32C covers everything behind it.
//
//	0         2       6         10
//	+---------+-------+---------+----------------------------- count times -----------------------------
//	| version | crc   | count   | producer | epoch | last     | last   | offset | timestamp | coordinator | transaction |
//	| int16=1 | u32   | int32   | id int64 | int16 | sequence | offset | delta  | int64 ms  | epoch int32 | first offset|
//	+---------+-------+---------+          |       | int32    | int64  | int32  |           |             | int64, or -1|
//
// Kafka writes one entry for a producer, its last batch. skein writes one for each remembered batch, oldest first, so
// that all five survive a restart; Kafka, which lets a later entry replace an earlier one, reads the last.
const (
	snapshotVersion    = 1
	snapshotHeaderSize = 10
	snapshotEntrySize  = 46
	snapshotBytesMax   = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeSnapshot is the file's content.
func (t *producerTable) encodeSnapshot() []byte {
	b := make([]byte, snapshotHeaderSize, snapshotHeaderSize+len(t.byID)*snapshotEntrySize)
	count := 0
	for _, p := range t.sorted() {
		for i := range max(int(p.kept), 1) {
			b = appendSnapshotEntry(b, p, i)
			count++
		}
	}
	binary.BigEndian.PutUint16(b, snapshotVersion)
	binary.BigEndian.PutUint32(b[6:], uint32(count))
	binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], castagnoli))
	return b
}

func appendSnapshotEntry(b []byte, p *producer, i int) []byte {
	batch := producerBatch{lastOffset: -1, lastSequence: record.NoSequence}
	timestamp, txnFirst := p.lastSeen, record.Offset(-1)
	if i < int(p.kept) {
		batch = p.batches[i]
	}
	if i+1 < int(p.kept) {
		timestamp = batch.timestamp
	} else {
		txnFirst = p.txnFirst
	}
	b = binary.BigEndian.AppendUint64(b, uint64(p.id))
	b = binary.BigEndian.AppendUint16(b, uint16(p.epoch))
	b = binary.BigEndian.AppendUint32(b, uint32(batch.lastSequence))
	b = binary.BigEndian.AppendUint64(b, uint64(batch.lastOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(batch.offsetDelta))
	b = binary.BigEndian.AppendUint64(b, uint64(timestamp))
	b = binary.BigEndian.AppendUint32(b, uint32(p.coordinatorEpoch))
	return binary.BigEndian.AppendUint64(b, uint64(txnFirst))
}

var errSnapshot = errors.New("the producer snapshot is damaged")

// decodeSnapshot reads such a file. It allocates for the entries that are there, not for the count that is stated.
func decodeSnapshot(b []byte) (producerTable, error) {
	t := newProducerTable()
	if len(b) < snapshotHeaderSize {
		return t, fmt.Errorf("%w: %d bytes", errSnapshot, len(b))
	}
	if version := binary.BigEndian.Uint16(b); version != snapshotVersion {
		return t, fmt.Errorf("%w: version %d", errSnapshot, version)
	}
	if crc32.Checksum(b[6:], castagnoli) != binary.BigEndian.Uint32(b[2:]) {
		return t, fmt.Errorf("%w: the CRC is wrong", errSnapshot)
	}
	count, b := int64(int32(binary.BigEndian.Uint32(b[6:]))), b[snapshotHeaderSize:]
	if count < 0 || count*snapshotEntrySize > int64(len(b)) {
		return t, fmt.Errorf("%w: %d entries in %d bytes", errSnapshot, count, len(b))
	}
	for ; count > 0; count-- {
		if err := t.decodeEntry(b); err != nil {
			return t, err
		}
		b = b[snapshotEntrySize:]
	}
	return t, nil
}

func (t *producerTable) decodeEntry(b []byte) error {
	id, epoch := int64(binary.BigEndian.Uint64(b)), int16(binary.BigEndian.Uint16(b[8:]))
	timestamp := int64(binary.BigEndian.Uint64(b[26:]))
	batch := producerBatch{
		lastSequence: int32(binary.BigEndian.Uint32(b[10:])),
		lastOffset:   record.Offset(binary.BigEndian.Uint64(b[14:])),
		offsetDelta:  int32(binary.BigEndian.Uint32(b[22:])),
		timestamp:    timestamp,
	}
	if id < 0 || batch.lastOffset >= 0 && (batch.offsetDelta < 0 || batch.lastSequence < 0 || batch.lastOffset == math.MaxInt64) {
		return fmt.Errorf("%w: an entry of producer %d is impossible", errSnapshot, id)
	}
	p := t.obtain(id)
	if p.epoch != epoch {
		p.epoch, p.kept = epoch, 0
	}
	if batch.lastOffset >= 0 {
		p.remember(epoch, batch, batchesKept)
	}
	p.lastSeen = timestamp
	p.coordinatorEpoch = int32(binary.BigEndian.Uint32(b[34:]))
	p.txnFirst = record.Offset(binary.BigEndian.Uint64(b[38:]))
	return nil
}
