package record

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/skein-io/skein/internal/protocol"
)

// A record batch of magic 2 (KIP-98). All numbers are big-endian; the CRC-32C covers the bytes from attributes to the
// end, so that base offset and leader epoch can be set without computing it again.
//
//	 0         8        12           16      17    21           23                27
//	+---------+--------+------------+-------+-----+------------+-----------------+
//	| base    | length | leader     | magic | crc | attributes | last offset     |
//	| offset  | int32  | epoch      | int8  | u32 | int16      | delta int32     |
//	| int64   |        | int32      | = 2   |     |            |                 |
//	+---------+--------+------------+-------+-----+------------+-----------------+
//	27          35          43           51         53          57       61
//	+-----------+-----------+------------+----------+-----------+--------+---------
//	| base      | max       | producer   | producer | base      | count  | records,
//	| timestamp | timestamp | id         | epoch    | sequence  | int32  | maybe
//	| int64     | int64     | int64      | int16    | int32     |        | compressed
//	+-----------+-----------+------------+----------+-----------+--------+---------
//
// length counts the bytes after itself: the whole batch is length+12 bytes.
const (
	atBaseOffset      = 0
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atCount           = 57
)

const (
	// HeaderSize is the number of bytes of a batch in front of its records.
	HeaderSize = 61
	// PrefixSize is the number of bytes that PeekLength needs: base offset and length.
	PrefixSize = 12
	// Magic is the only version of the batch format that skein stores.
	Magic = 2

	lengthMin = HeaderSize - PrefixSize
	lengthMax = math.MaxInt32 - PrefixSize
)

// ErrTruncated is wrapped by the errors that say that a batch goes on behind the bytes at hand. At the end of a file
// or of a Fetch response it is no damage.
var ErrTruncated = errors.New("the batch goes on behind the bytes at hand")

// PeekLength returns the size in bytes of the batch that begins with b, prefix included: HeaderSize to MaxInt32. It
// reads PrefixSize bytes and fails with CORRUPT_MESSAGE when the length is impossible, with ErrTruncated inside when b
// is shorter than the prefix.
func PeekLength(b []byte) (int, error) {
	if len(b) < PrefixSize {
		return 0, protocol.Fail(protocol.CorruptMessage, "%d bytes where a record batch should begin: %w", len(b), ErrTruncated)
	}
	length := int32(binary.BigEndian.Uint32(b[atLength:]))
	if length < lengthMin || length > lengthMax {
		if len(b) > atMagic && length > 0 && b[atMagic] != Magic {
			return 0, wrongMagic(b[atMagic])
		}
		return 0, protocol.Fail(protocol.CorruptMessage, "the length of the record batch is %d; possible is %d to %d", length, lengthMin, lengthMax)
	}
	return int(length) + PrefixSize, nil
}

// Split takes the first batch off b. It reads nothing behind b and checks nothing but the length; the error is that of
// PeekLength, or CORRUPT_MESSAGE with ErrTruncated inside when b ends within the batch. first and rest share b's
// memory.
func Split(b []byte) (first Batch, rest []byte, err error) {
	size, err := PeekLength(b)
	if err != nil {
		return nil, b, err
	}
	if size > len(b) {
		return nil, b, protocol.Fail(protocol.CorruptMessage, "a record batch of %d bytes, of which %d are there: %w", size, len(b), ErrTruncated)
	}
	return Batch(b[:size:size]), b[size:], nil
}

func wrongMagic(magic byte) error {
	return protocol.Fail(protocol.InvalidRecord, "the record batch has magic %d; only magic %d is accepted (clients of Kafka 0.11 and later write it)", int8(magic), Magic)
}
