package record

import (
	"github.com/skein-io/skein/internal/protocol"
)

// recordSizeMin is the smallest record: one byte each for length, attributes, two deltas, key, value and headers.
const recordSizeMin = 7

// Validate checks what a client must keep to, as far as header and checksum show it: length, size, magic, codec, CRC,
// then offsets from 0 on without gaps, no control records, no broker's flags, a sequence where there is a producer id.
// The records are not looked at: ValidateRecords does that.
//
//	MESSAGE_TOO_LARGE             the batch is larger than limits.BatchBytesMax
//	CORRUPT_MESSAGE               length or CRC are wrong; sending it again may help
//	UNSUPPORTED_COMPRESSION_TYPE  codec 5, 6 or 7
//	INVALID_TIMESTAMP             the batch claims log append time, which only a broker sets
//	INVALID_RECORD                everything else; sending it again does not help
func (b Batch) Validate(limits Limits) error {
	if err := checkSize(len(b), limits); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	return b.validateClaims()
}

// Check tells whether the batch is whole, as it must be on a disk and on the way from a leader: length, magic, codec,
// CRC, offsets and count within their bounds. Gaps that compaction left are in order. The error is CORRUPT_MESSAGE, or
// for a format that skein does not read INVALID_RECORD or UNSUPPORTED_COMPRESSION_TYPE.
func (b Batch) Check() error {
	if err := b.CheckHeader(); err != nil {
		return err
	}
	if err := b.CheckCRC(); err != nil {
		return err
	}
	return b.checkClaims()
}

// CheckHeader checks length and magic only: enough for the accessors and for stepping over the batch.
func (b Batch) CheckHeader() error {
	size, err := PeekLength(b)
	if err != nil {
		return err
	}
	if size != len(b) {
		return protocol.Fail(protocol.CorruptMessage, "the record batch states a size of %d bytes and has %d", size, len(b))
	}
	if b.Magic() != Magic {
		return wrongMagic(b[atMagic])
	}
	return nil
}

// CheckCRC computes the checksum and compares it with the one in the header. It reads every byte behind it once.
func (b Batch) CheckCRC() error {
	if computed := b.computeCRC(); computed != b.CRC() {
		return protocol.Fail(protocol.CorruptMessage, "the record batch states CRC %08x and has %08x: its bytes were changed on the way", b.CRC(), computed)
	}
	return nil
}

// checkClaims checks the fields of a header whose CRC is right against each other.
func (b Batch) checkClaims() error {
	if !b.Codec().Known() {
		return protocol.Fail(protocol.UnsupportedCompressionType, "the record batch has compression codec %d; known are 0 (none) to 4 (zstd)", b.Codec())
	}
	delta, count := b.LastOffsetDelta(), b.Count()
	if delta < 0 || b.BaseOffset() < 0 || b.BaseOffset() > MaxOffset-Offset(delta) {
		return protocol.Fail(protocol.InvalidRecord, "impossible offsets: base offset %d, last offset delta %d", b.BaseOffset(), delta)
	}
	if count < 0 || int64(count) > int64(delta)+1 {
		return protocol.Fail(protocol.InvalidRecord, "impossible count of records: %d for last offset delta %d", count, delta)
	}
	if b.Codec() == None && int64(count) > int64(len(b.payload())/recordSizeMin) {
		return protocol.Fail(protocol.InvalidRecord, "impossible count of records: %d in %d bytes", count, len(b.payload()))
	}
	return nil
}

func (b Batch) validateClaims() error {
	count, attributes := b.Count(), b.Attributes()
	switch {
	case b.BaseOffset() != 0:
		return protocol.Fail(protocol.InvalidRecord, "the base offset of a produced record batch is %d; it must be 0", b.BaseOffset())
	case count == 0:
		return protocol.Fail(protocol.InvalidRecord, "the record batch has no records")
	case int64(count) != int64(b.LastOffsetDelta())+1:
		return protocol.Fail(protocol.InvalidRecord, "%d records in a batch whose last offset delta is %d; it must be one less than the count", count, b.LastOffsetDelta())
	case attributes.Control():
		return protocol.Fail(protocol.InvalidRecord, "clients are not allowed to write control records")
	case attributes.DeleteHorizon():
		return protocol.Fail(protocol.InvalidRecord, "clients are not allowed to set a delete horizon")
	case attributes.LogAppendTime():
		return protocol.Fail(protocol.InvalidTimestamp, "a producer must not set the timestamp type to LogAppendTime; that is for the topic's message.timestamp.type")
	}
	return b.validateProducer()
}

// validateProducer leaves epoch and sequence alone where there is no producer id: sarama and kafkajs write 0 there.
func (b Batch) validateProducer() error {
	id := b.ProducerID()
	switch {
	case id < NoProducerID:
		return protocol.Fail(protocol.InvalidRecord, "impossible producer id %d", id)
	case id == NoProducerID && b.Transactional():
		return protocol.Fail(protocol.InvalidRecord, "a transactional record batch without a producer id")
	case id != NoProducerID && b.BaseSequence() < 0:
		return protocol.Fail(protocol.InvalidRecord, "producer id %d with base sequence %d; it must be at least 0", id, b.BaseSequence())
	case id != NoProducerID && b.ProducerEpoch() < 0:
		return protocol.Fail(protocol.InvalidRecord, "producer id %d with producer epoch %d; it must be at least 0", id, b.ProducerEpoch())
	}
	return nil
}
