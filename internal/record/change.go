package record

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SetBaseOffset moves the batch to an offset. The checksum does not cover it.
func (b Batch) SetBaseOffset(o Offset) { b.putInt64(atBaseOffset, int64(o)) }

// SetLeaderEpoch states who appended the batch. The checksum does not cover it.
func (b Batch) SetLeaderEpoch(e LeaderEpoch) { b.putInt32(atLeaderEpoch, int32(e)) }

// SetLogAppendTime gives every record the same time, in milliseconds since 1970, and computes the checksum again: one
// pass over the bytes. The records keep their deltas, which are not looked at any more.
func (b Batch) SetLogAppendTime(ms int64) {
	if b.LogAppendTime() && b.MaxTimestamp() == ms {
		return
	}
	b.putInt16(atAttributes, int16(b.Attributes()|logAppendTimeFlag))
	b.putInt64(atMaxTimestamp, ms)
	b.sealCRC()
}

// SetMaxTimestamp corrects the largest timestamp of a batch with create time, and the checksum where that changes
// anything. Kafka does so when a client claims another maximum than its records have.
func (b Batch) SetMaxTimestamp(ms int64) {
	if b.MaxTimestamp() == ms {
		return
	}
	b.putInt64(atMaxTimestamp, ms)
	b.sealCRC()
}

// computeCRC is the CRC-32C (RFC 3720) of everything from the attributes on.
func (b Batch) computeCRC() uint32 { return crc32.Checksum(b[atAttributes:], castagnoli) }

func (b Batch) sealCRC() { b.putInt32(atCRC, int32(b.computeCRC())) }

func (b Batch) putInt16(at int, v int16) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
func (b Batch) putInt32(at int, v int32) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
func (b Batch) putInt64(at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
