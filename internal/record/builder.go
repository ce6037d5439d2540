package record

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/skein-io/skein/internal/protocol"
)

// Builder makes one batch after another. It copies what it is given. Not safe for concurrent use.
//
//	b := record.NewBuilder()
//	b.Add(now, key, value)
//	batch, err := b.Build()
type Builder struct {
	codec      Codec
	level      int
	attributes Attributes // without the codec

	baseOffset     Offset
	leaderEpoch    LeaderEpoch
	producerID     int64
	producerEpoch  int16
	baseSequence   int32
	lastDeltaLeast int32 // the batch ends there, whatever was appended: compaction keeps a batch's offsets

	records       []byte // encoded, not compressed
	count         int32
	lastDelta     int32
	baseTimestamp int64
	baseFixed     bool // baseTimestamp does not come from the first record
	maxTimestamp  int64
	maxFixed      bool // maxTimestamp does not come from the records
}

// NewBuilder makes a Builder whose batches start at offset 0, are not compressed and have neither producer id nor
// leader epoch: what a client sends.
func NewBuilder() *Builder {
	b := new(Builder)
	b.Reset()
	return b
}

// Reset forgets everything but the buffer and the codec: the Builder is as NewBuilder made it.
func (b *Builder) Reset() {
	*b = Builder{
		codec: b.codec, level: b.level, records: b.records[:0],
		leaderEpoch: NoLeaderEpoch, producerID: NoProducerID, producerEpoch: -1, baseSequence: NoSequence,
		lastDeltaLeast: -1, lastDelta: -1, baseTimestamp: NoTimestamp, maxTimestamp: NoTimestamp,
	}
}

// SetCodec chooses how Build compresses; level as Compress has it.
func (b *Builder) SetCodec(codec Codec, level int) { b.codec, b.level = codec, level }

// SetBaseOffset sets the offset that Append's offsets are counted from, and Add's begin with. Before the first record.
func (b *Builder) SetBaseOffset(o Offset) { b.baseOffset = o }

// SetLeaderEpoch states who appends the batch.
func (b *Builder) SetLeaderEpoch(e LeaderEpoch) { b.leaderEpoch = e }

// SetProducer makes the batch an idempotent producer's.
func (b *Builder) SetProducer(id int64, epoch int16, baseSequence int32) {
	b.producerID, b.producerEpoch, b.baseSequence = id, epoch, baseSequence
}

// SetTransactional makes the batch part of a transaction.
func (b *Builder) SetTransactional(on bool) { b.flag(transactionalFlag, on) }

// SetControl makes the records markers.
func (b *Builder) SetControl(on bool) { b.flag(controlFlag, on) }

// SetLogAppendTime gives all records one time, in milliseconds since 1970.
func (b *Builder) SetLogAppendTime(ms int64) {
	b.flag(logAppendTimeFlag, true)
	b.maxTimestamp, b.maxFixed = ms, true
}

// SetDeleteHorizon sets the time in milliseconds since 1970 from which compaction may drop the batch's tombstones.
// Before the first record: its timestamps are counted from there.
func (b *Builder) SetDeleteHorizon(ms int64) {
	if b.count > 0 {
		panic(fmt.Sprintf("record: delete horizon %d set after %d records", ms, b.count))
	}
	b.flag(deleteHorizonFlag, true)
	b.baseTimestamp, b.baseFixed = ms, true
}

// Inherit resets the Builder and takes over what stands in a batch's header: offsets, leader epoch, producer, flags,
// delete horizon, log append time. Codec and count are not taken, and the largest create time is that of the records
// appended, the old one if there are none. The batch to be built ends at the same last offset even if the records that
// are appended end before, and may be empty. That is what compaction needs.
func (b *Builder) Inherit(from Batch) {
	b.Reset()
	b.attributes = from.Attributes() & inheritedFlagsMask
	b.baseOffset, b.leaderEpoch = from.BaseOffset(), from.LeaderEpoch()
	b.producerID, b.producerEpoch, b.baseSequence = from.ProducerID(), from.ProducerEpoch(), from.BaseSequence()
	b.lastDeltaLeast, b.maxTimestamp = from.LastOffsetDelta(), from.MaxTimestamp()
	if b.attributes.LogAppendTime() {
		b.maxFixed = true
	}
	if horizon, ok := from.DeleteHorizon(); ok {
		b.baseTimestamp, b.baseFixed = horizon, true
	}
}

// Add appends a record at the next offset. A nil key or value is Kafka's null.
func (b *Builder) Add(timestamp int64, key, value []byte, headers ...Header) error {
	r := Record{Offset: b.NextOffset(), Timestamp: timestamp, Key: key, Value: value}
	if len(headers) > 0 {
		r.Headers = MakeHeaders(headers...)
	}
	return b.Append(&r)
}

// Append appends a record at its own offset, which must be above that of the record before. It fails when the offset
// does not fit or the batch would become larger than the format allows; the batch then stays as it was.
func (b *Builder) Append(r *Record) error {
	delta := r.Offset - b.baseOffset
	if delta <= Offset(b.lastDelta) || delta > math.MaxInt32 {
		return fmt.Errorf("record at offset %d in a batch that starts at %d and has offset %d already", r.Offset, b.baseOffset, b.baseOffset+Offset(b.lastDelta))
	}
	timestampBase := b.baseTimestamp
	if b.count == 0 && !b.baseFixed {
		timestampBase = r.Timestamp
	}
	timestampDelta := r.Timestamp - timestampBase
	body := 1 + varintSize(timestampDelta) + varintSize(int64(delta)) + nullableSize(r.Key) + nullableSize(r.Value) +
		varintSize(int64(r.Headers.count)) + len(r.Headers.raw)
	if HeaderSize+len(b.records)+binary.MaxVarintLen32+body > lengthMax {
		return protocol.Fail(protocol.RecordListTooLarge, "a record of %d bytes more in a batch of %d: a batch has at most %d", body, len(b.records), lengthMax)
	}
	b.encode(r, body, timestampDelta, int64(delta))
	b.baseTimestamp, b.lastDelta = timestampBase, int32(delta)
	if !b.maxFixed && (b.count == 0 || r.Timestamp > b.maxTimestamp) {
		b.maxTimestamp = r.Timestamp
	}
	b.count++
	return nil
}

func (b *Builder) encode(r *Record, body int, timestampDelta, offsetDelta int64) {
	dst := binary.AppendVarint(b.records, int64(body))
	dst = append(dst, 0) // attributes
	dst = binary.AppendVarint(dst, timestampDelta)
	dst = binary.AppendVarint(dst, offsetDelta)
	dst = appendNullable(dst, r.Key)
	dst = appendNullable(dst, r.Value)
	dst = binary.AppendVarint(dst, int64(r.Headers.count))
	b.records = append(dst, r.Headers.raw...)
}

func nullableSize(v []byte) int {
	if v == nil {
		return 1
	}
	return varintSize(int64(len(v))) + len(v)
}

// NextOffset is the offset that Add gives to its record.
func (b *Builder) NextOffset() Offset { return b.baseOffset + Offset(b.lastDelta) + 1 }

// Count is the number of records so far.
func (b *Builder) Count() int { return int(b.count) }

// Size is the size of the batch so far, header included, in bytes before compression.
func (b *Builder) Size() int { return HeaderSize + len(b.records) }

// Build returns the batch, in memory of its own, and resets the Builder. It fails for a batch without records, unless
// that was inherited.
func (b *Builder) Build() (Batch, error) {
	bytes, err := b.AppendTo(nil)
	if err != nil {
		return nil, err
	}
	b.Reset()
	return Batch(bytes), nil
}

// AppendTo appends the batch to dst and leaves the Builder as it is. It fails as Build does; dst is then returned as
// it was.
func (b *Builder) AppendTo(dst []byte) ([]byte, error) {
	if b.count == 0 && b.lastDeltaLeast < 0 {
		return dst, errEmpty
	}
	start := len(dst)
	if b.codec == None && cap(dst)-start < b.Size() {
		dst = append(make([]byte, 0, start+b.Size()), dst...)
	}
	dst = append(dst, make([]byte, HeaderSize)...)
	codec := b.codec
	if b.count == 0 {
		codec = None // what has no bytes is not compressed: as Kafka's cleaner writes it
	}
	dst, err := Compress(dst, b.records, codec, b.level)
	if err != nil {
		return dst[:start], err
	}
	if len(dst)-start > lengthMax+PrefixSize {
		return dst[:start], protocol.Fail(protocol.RecordListTooLarge, "a batch of %d bytes: at most %d", len(dst)-start, lengthMax+PrefixSize)
	}
	b.header(Batch(dst[start:]), codec)
	return dst, nil
}

var errEmpty = fmt.Errorf("a batch without records")

func (b *Builder) header(batch Batch, codec Codec) {
	batch.putInt64(atBaseOffset, int64(b.baseOffset))
	batch.putInt32(atLength, int32(len(batch)-PrefixSize))
	batch.putInt32(atLeaderEpoch, int32(b.leaderEpoch))
	batch[atMagic] = Magic
	batch.putInt16(atAttributes, int16(b.attributes|Attributes(codec)))
	batch.putInt32(atLastOffsetDelta, max(b.lastDelta, b.lastDeltaLeast))
	batch.putInt64(atBaseTimestamp, b.baseTimestamp)
	batch.putInt64(atMaxTimestamp, b.maxTimestamp)
	batch.putInt64(atProducerID, b.producerID)
	batch.putInt16(atProducerEpoch, b.producerEpoch)
	batch.putInt32(atBaseSequence, b.baseSequence)
	batch.putInt32(atCount, b.count)
	batch.sealCRC()
}

func (b *Builder) flag(f Attributes, on bool) {
	if on {
		b.attributes |= f
	} else {
		b.attributes &^= f
	}
}
