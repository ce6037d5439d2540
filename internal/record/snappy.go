package record

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Kafka's Java clients write snappy in the framing of snappy-java, and their reader takes a single raw block too, which
// is what librdkafka and franz-go write. Read are both; written is the framing.
//
//	+---------------------------+---------+------------+--------+-------+--------+-------+----
//	| 82 'S' 'N' 'A' 'P' 'P'    | version | compatible | length | block | length | block | ...
//	|    'Y' 00                 | int32=1 | int32=1    | int32  |       | int32  |       |
//	+---------------------------+---------+------------+--------+-------+--------+-------+----
//
// The numbers are big-endian. A header may stand again where a length is due.
var snappyMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const (
	snappyHeaderSize = 16
	snappyBlockSize  = 32 << 10 // before compression, as snappy-java writes it
	snappyRatioMax   = 22       // a copy of 64 bytes takes 3
)

var errSnappyFrame = errors.New("a block goes beyond the end")

func compressSnappy(dst, src []byte) []byte {
	dst = append(dst, snappyMagic...)
	dst = append(dst, 0, 0, 0, 1, 0, 0, 0, 1)
	for len(src) > 0 {
		block := src[:min(len(src), snappyBlockSize)]
		src = src[len(block):]
		dst = slices.Grow(dst, 4+s2.MaxEncodedLen(len(block)))
		body := s2.EncodeSnappy(dst[len(dst)+4:cap(dst)], block)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
		dst = dst[:len(dst)+len(body)]
	}
	return dst
}

func decompressSnappy(dst, src []byte, bytesMax int) ([]byte, error) {
	if !snappyFramed(src) {
		size, err := snappySize(src)
		if err != nil || size > bytesMax {
			return dst, cmpErr(err, errTooLarge)
		}
		return s2.Decode(grow(dst, size)[:size], src)
	}
	size, err := snappyFrameSize(src, bytesMax)
	if err != nil {
		return dst, err
	}
	dst = grow(dst, size)
	for block, rest := []byte(nil), src; ; {
		if block, rest, err = snappyNext(rest); block == nil || err != nil {
			return dst, err
		}
		n, _ := snappySize(block)
		if _, err := s2.Decode(dst[len(dst):len(dst)+n:cap(dst)], block); err != nil {
			return dst, err
		}
		dst = dst[:len(dst)+n]
	}
}

func snappyFramed(src []byte) bool {
	return len(src) >= snappyHeaderSize && string(src[:len(snappyMagic)]) == string(snappyMagic)
}

// snappyFrameSize adds up what the blocks say that they become, before anything is allocated.
func snappyFrameSize(src []byte, bytesMax int) (int, error) {
	total := 0
	for rest := src; ; {
		block, after, err := snappyNext(rest)
		if block == nil || err != nil {
			return total, err
		}
		size, err := snappySize(block)
		if err != nil {
			return 0, err
		}
		if total += size; total > bytesMax {
			return 0, errTooLarge
		}
		rest = after
	}
}

// snappyNext takes the next block off a framed source; nil at its end.
func snappyNext(src []byte) (block, rest []byte, err error) {
	for snappyFramed(src) {
		src = src[snappyHeaderSize:]
	}
	if len(src) == 0 {
		return nil, nil, nil
	}
	if len(src) < 4 {
		return nil, nil, errSnappyFrame
	}
	n := binary.BigEndian.Uint32(src)
	if n == 0 || int64(n) > int64(len(src)-4) {
		return nil, nil, errSnappyFrame
	}
	return src[4 : 4+n], src[4+n:], nil
}

// snappySize is the size that a block says it becomes, refused where snappy cannot reach it.
func snappySize(block []byte) (int, error) {
	size, err := s2.DecodedLen(block)
	if err == nil && size > snappyRatioMax*len(block) {
		return 0, s2.ErrCorrupt
	}
	return size, err
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
