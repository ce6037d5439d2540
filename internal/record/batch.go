package record

import (
	"encoding/binary"
	"math"
)

// Batch is a view on the bytes of one record batch of magic 2, header included. The accessors read the header where
// it stands; they panic when there are fewer than HeaderSize bytes, which Split never returns. The bytes may be
// hostile: call Validate (from a client) or Check (from a disk or a replica) first.
//
// Reading is safe for concurrent use, the setters are not.
type Batch []byte

// BaseOffset is the offset of the first record that the batch was written with. A client sends 0.
func (b Batch) BaseOffset() Offset { return Offset(b.int64(atBaseOffset)) }

// LastOffset is the offset of the last record that the batch was written with; compaction may have removed it.
func (b Batch) LastOffset() Offset { return b.BaseOffset() + Offset(b.LastOffsetDelta()) }

// NextOffset is the offset after the batch.
func (b Batch) NextOffset() Offset { return b.LastOffset() + 1 }

// Length is the size in bytes that the header states for the whole batch, prefix included. It equals len(b) for what
// Split returns.
func (b Batch) Length() int { return int(b.int32(atLength)) + PrefixSize }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() LeaderEpoch { return LeaderEpoch(b.int32(atLeaderEpoch)) }

// Magic is the version of the format.
func (b Batch) Magic() int8 { return int8(b[atMagic]) }

// CRC is the checksum as the header states it.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[atCRC:]) }

// Attributes are the batch's flags.
func (b Batch) Attributes() Attributes { return Attributes(b.int16(atAttributes)) }

// Codec is how the records are compressed.
func (b Batch) Codec() Codec { return b.Attributes().Codec() }

// LogAppendTime says that the broker set the time.
func (b Batch) LogAppendTime() bool { return b.Attributes().LogAppendTime() }

// Transactional says that the batch belongs to a transaction.
func (b Batch) Transactional() bool { return b.Attributes().Transactional() }

// Control says that the records are markers, which no consumer is given.
func (b Batch) Control() bool { return b.Attributes().Control() }

// LastOffsetDelta is LastOffset less BaseOffset.
func (b Batch) LastOffsetDelta() int32 { return b.int32(atLastOffsetDelta) }

// BaseTimestamp is what the records' timestamps are counted from, in milliseconds since 1970. With a delete horizon it
// is that horizon.
func (b Batch) BaseTimestamp() int64 { return b.int64(atBaseTimestamp) }

// MaxTimestamp is the largest timestamp of the records, in milliseconds since 1970, or with LogAppendTime the
// timestamp of them all. What a client wrote here is a claim until ValidateRecords has walked the records.
func (b Batch) MaxTimestamp() int64 { return b.int64(atMaxTimestamp) }

// DeleteHorizon is the time in milliseconds since 1970 from which compaction may drop the batch's tombstones, if it
// has been set.
func (b Batch) DeleteHorizon() (ms int64, ok bool) {
	if !b.Attributes().DeleteHorizon() {
		return NoTimestamp, false
	}
	return b.BaseTimestamp(), true
}

// ProducerID is the idempotent producer's id, or NoProducerID. Without one, epoch and sequence mean nothing (clients
// write 0 or -1 there).
func (b Batch) ProducerID() int64 { return b.int64(atProducerID) }

// ProducerEpoch is the epoch of the producer id.
func (b Batch) ProducerEpoch() int16 { return b.int16(atProducerEpoch) }

// BaseSequence is the producer's number of the first record.
func (b Batch) BaseSequence() int32 { return b.int32(atBaseSequence) }

// LastSequence is the producer's number of the last record; -1 where there is no base sequence.
func (b Batch) LastSequence() int32 {
	if b.BaseSequence() < 0 {
		return NoSequence
	}
	return AddSequence(b.BaseSequence(), b.LastOffsetDelta())
}

// Count is the number of records; after compaction it may be less than LastOffsetDelta+1, even 0.
func (b Batch) Count() int32 { return b.int32(atCount) }

// NoSequence is the base sequence of a batch that no idempotent producer wrote.
const NoSequence int32 = -1

// AddSequence counts n records on from a sequence number. After MaxInt32 comes 0. Both are at least 0.
func AddSequence(sequence, n int32) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}

// payload is what stands behind the header: the records, compressed by Codec.
func (b Batch) payload() []byte { return b[HeaderSize:] }

func (b Batch) int16(at int) int16 { return int16(binary.BigEndian.Uint16(b[at:])) }
func (b Batch) int32(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
func (b Batch) int64(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
