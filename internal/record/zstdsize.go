package record

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// zstdBlockMax is the largest that one block becomes, whatever the window (RFC 8878, 3.1.1.2).
const zstdBlockMax = 128 << 10

const (
	zstdMagic         = 0xfd2fb528
	zstdSkippable     = 0x184d2a50
	zstdSkippableMask = 0xfffffff0
)

var errZstdFrame = errors.New("a frame or block goes beyond the end")

// zstdSizes bounds the decompressed size of some frames. window is the largest that they ask for.
type zstdSizes struct{ least, most, window int64 }

// zstdSizeMax steps over the block headers of all frames and bounds what they become, without decompressing: a raw or
// repeated block says its size, a compressed one has at most zstdBlockMax, a frame may state its own. Kafka's Java
// producer states none, but fills its blocks, so that the upper bound is less than a block from the truth.
func zstdSizeMax(src []byte) (zstdSizes, error) {
	var total zstdSizes
	for len(src) > 0 {
		if len(src) < 8 {
			return total, errZstdFrame
		}
		magic := binary.LittleEndian.Uint32(src)
		if magic&zstdSkippableMask == zstdSkippable {
			skip := int64(binary.LittleEndian.Uint32(src[4:])) + 8
			if skip > int64(len(src)) {
				return total, errZstdFrame
			}
			src = src[skip:]
			continue
		}
		if magic != zstdMagic {
			return total, errors.New("no zstd frame begins there")
		}
		frame, rest, err := zstdFrame(src[4:])
		if err != nil {
			return total, err
		}
		total.least += frame.least
		total.most += frame.most
		total.window = max(total.window, frame.window)
		src = rest
	}
	return total, nil
}

// zstdFrame bounds one frame, given without its magic number.
//
//	FHD bits 7-6: width of content size, 5: single segment, 2: checksum, 1-0: width of dictionary id
//	+-----+-------------------+---------------+--------------+--------+-----+----------+
//	| FHD | window, if not    | dictionary id | content size | blocks | ... | checksum |
//	| u8  | single segment u8 | 0, 1, 2, 4    | 0, 1, 2, 4, 8|        |     | 0, 4     |
//	+-----+-------------------+---------------+--------------+--------+-----+----------+
func zstdFrame(b []byte) (size zstdSizes, rest []byte, err error) {
	descriptor := b[0]
	single := descriptor&0x20 != 0
	i, window := 1, int64(0)
	if !single {
		window = zstdWindow(b[i])
		i++
	}
	i += [4]int{0, 1, 2, 4}[descriptor&3]
	width := [4]int{0, 2, 4, 8}[descriptor>>6]
	if width == 0 && single {
		width = 1
	}
	if i+width > len(b) {
		return size, nil, errZstdFrame
	}
	stated, known := zstdContentSize(b[i : i+width])
	size, rest, err = zstdBlocks(b[i+width:])
	if err != nil {
		return size, nil, err
	}
	if descriptor&4 != 0 {
		if len(rest) < 4 {
			return size, nil, errZstdFrame
		}
		rest = rest[4:]
	}
	if known && (stated < uint64(size.least) || stated > uint64(size.most)) {
		return size, nil, errors.New("a frame states a content size that its blocks cannot have")
	}
	if known {
		size = zstdSizes{least: int64(stated), most: int64(stated)}
	}
	size.window = window
	return size, rest, nil
}

// zstdWindow reads a window descriptor: 5 bits of exponent, 3 of eighths.
func zstdWindow(b byte) int64 {
	base := int64(1) << (10 + b>>3)
	return base + base/8*int64(b&7)
}

// zstdWindowFor is the smallest window that is not below a size, with its descriptor: at most an eighth more.
func zstdWindowFor(size int64) (descriptor byte, window int64) {
	for descriptor < 0xff && zstdWindow(descriptor) < size {
		descriptor++
	}
	return descriptor, zstdWindow(descriptor)
}

// zstdNarrowed copies frames and lowers windows to that of the descriptor. What is decompressed is the same while it is
// no larger than that window: a match reaches no further back than there is output. zstdSizeMax has found src in order.
func zstdNarrowed(src []byte, descriptor byte) []byte {
	narrowed := bytes.Clone(src)
	for b := narrowed; len(b) > 0; {
		if binary.LittleEndian.Uint32(b)&zstdSkippableMask == zstdSkippable {
			b = b[8+binary.LittleEndian.Uint32(b[4:]):]
			continue
		}
		if single := b[4]&0x20 != 0; !single && b[5] > descriptor {
			b[5] = descriptor
		}
		_, rest, err := zstdFrame(b[4:])
		if err != nil {
			return narrowed // the decoder will say so
		}
		b = rest
	}
	return narrowed
}

func zstdContentSize(b []byte) (size uint64, known bool) {
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)) + 256, true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// zstdBlocks bounds the blocks of a frame. A block header has 3 bytes, little-endian: bit 0 last, bits 1-2 type (raw,
// repeated byte, compressed, reserved), the rest the size.
func zstdBlocks(b []byte) (size zstdSizes, rest []byte, err error) {
	for {
		if len(b) < 3 {
			return size, nil, errZstdFrame
		}
		header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		n, taken := int64(header>>3), header>>3
		switch header >> 1 & 3 {
		case 0:
			size.least, size.most = size.least+n, size.most+n
		case 1:
			size.least, size.most = size.least+n, size.most+n
			taken = 1
		case 2:
			size.most += zstdBlockMax
		default:
			return size, nil, errors.New("a block has the reserved type")
		}
		if taken > len(b)-3 {
			return size, nil, errZstdFrame
		}
		b = b[3+taken:]
		if header&1 != 0 {
			return size, b, nil
		}
	}
}
