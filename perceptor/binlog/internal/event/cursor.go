package event

import "encoding/binary"

// cursor reads numbers and strings from the front of bytes. Whoever reads past the end gets zeros, and cut is true from
// then on: it is asked once, at the end.
type cursor struct {
	rest []byte
	cut  bool
}

// take returns the next n bytes, nil if there are not so many.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.cut, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// small reads a little-endian number of up to 8 bytes.
func (c *cursor) small(n int) uint64 {
	v := uint64(0)
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

func (c *cursor) u8() uint8   { return uint8(c.small(1)) }
func (c *cursor) u16() uint16 { return uint16(c.small(2)) }
func (c *cursor) u32() uint32 { return uint32(c.small(4)) }
func (c *cursor) u64() uint64 { return c.small(8) }

// packed reads an integer of MySQL's protocol, which is 1, 3, 4 or 9 bytes long.
func (c *cursor) packed() uint64 {
	switch first := c.u8(); first {
	case 0xfc:
		return c.small(2)
	case 0xfd:
		return c.small(3)
	case 0xfe:
		return c.small(8)
	case 0xfb, 0xff: // NULL and an error, neither of which is a number
		c.cut, c.rest = true, nil
		return 0
	default:
		return uint64(first)
	}
}

// packedLength is packed for what counts bytes, or things of at least one byte each, that follow.
func (c *cursor) packedLength() int {
	n := c.packed()
	if n > uint64(len(c.rest)) {
		c.cut, c.rest = true, nil
		return 0
	}
	return int(n)
}

// packedString is a length and the bytes.
func (c *cursor) packedString() []byte { return c.take(c.packedLength()) }

// all returns what is left.
func (c *cursor) all() []byte { return c.take(len(c.rest)) }

func bigEndian(b []byte) uint64 {
	var full [8]byte
	copy(full[8-len(b):], b)
	return binary.BigEndian.Uint64(full[:])
}
