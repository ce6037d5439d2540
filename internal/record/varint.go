package record

import (
	"encoding/binary"
	"math"
)

// Numbers inside a record are zigzag varints (as in Protocol Buffers): at most 5 bytes for 32 bits, 10 for 64.

// varint32 reads a number at b[i:]. next is 0 when the bytes end or the number does not fit.
func varint32(b []byte, i int) (v int32, next int) {
	if len(b)-i >= shortMax {
		if u, next := short(b, i); next > 0 {
			return unzigzag(u), next
		}
	}
	return varint32Slow(b, i)
}

// shortMax is the most bytes that short looks at.
const shortMax = 3

// short reads a number of one, two or three bytes as it stands, before unzigzag. next is 0 where it takes more. There
// are shortMax bytes from i on. It is small enough to be inlined: a leader reads five numbers of every record.
func short(b []byte, i int) (u uint32, next int) {
	u = uint32(b[i])
	if u < 0x80 {
		return u, i + 1
	}
	u = u&0x7f | uint32(b[i+1])<<7
	if u < 0x80<<7 {
		return u, i + 2
	}
	u = u&(1<<14-1) | uint32(b[i+2])<<14
	if u < 0x80<<14 {
		return u, i + 3
	}
	return 0, 0
}

func unzigzag(u uint32) int32 { return int32(u>>1) ^ -int32(u&1) }

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
