package record

import (
	"encoding/binary"
	"math"
)

// Numbers inside a record are zigzag varints (as in Protocol Buffers): at most 5 bytes for 32 bits, 10 for 64.

// varint32 reads a number at b[i:]. next is 0 when the bytes end or the number does not fit.
func varint32(b []byte, i int) (v int32, next int) {
	if i < len(b) && b[i] < 0x80 {
		u := b[i]
		return int32(u>>1) ^ -int32(u&1), i + 1
	}
	return varint32Slow(b, i)
}

func varint32Slow(b []byte, i int) (v int32, next int) {
	wide, next := varint64(b, i)
	if next == 0 || next-i > 5 || wide < math.MinInt32 || wide > math.MaxInt32 {
		return 0, 0
	}
	return int32(wide), next
}

// varint64 reads a number at b[i:]. next is 0 when the bytes end or the number does not fit.
func varint64(b []byte, i int) (v int64, next int) {
	v, n := binary.Varint(b[i:])
	if n <= 0 {
		return 0, 0
	}
	return v, i + n
}

// varintSize is the number of bytes that appending v takes.
func varintSize(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	n := 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
