package binjson

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Types of values.
const (
	smallObject = 0x0
	largeObject = 0x1
	smallArray  = 0x2
	largeArray  = 0x3
	literal     = 0x4
	int16Type   = 0x5
	uint16Type  = 0x6
	int32Type   = 0x7
	uint32Type  = 0x8
	int64Type   = 0x9
	uint64Type  = 0xa
	doubleType  = 0xb
	stringType  = 0xc
	opaqueType  = 0xf
)

// depthMax is MySQL's bound of a document's depth.
const depthMax = 100

var (
	errCut  = errors.New("a JSON document is cut, or its offsets point outside")
	errDeep = fmt.Errorf("a JSON document is deeper than %d", depthMax)
)

// value is a type and the bytes that its value begins with.
type value struct {
	kind byte
	data []byte
}

// container is an object or an array that is taken apart.
type container struct {
	data   []byte
	count  int
	width  int // of numbers: 2 or 4
	object bool
	// entries is where the types of the values begin.
	entries int
}

func open(v value) (container, error) {
	c := container{width: 2, object: v.kind <= largeObject}
	if v.kind == largeObject || v.kind == largeArray {
		c.width = 4
	}
	if len(v.data) < 2*c.width {
		return c, errCut
	}
	count, size := unsigned(v.data, c.width), unsigned(v.data[c.width:], c.width)
	if size > uint64(len(v.data)) {
		return c, errCut
	}
	c.data = v.data[:size]
	perValue := uint64(1 + c.width)
	if c.object {
		perValue += uint64(c.width) + 2
	}
	c.entries = 2 * c.width
	if count*perValue+uint64(c.entries) > size {
		return c, errCut
	}
	c.count = int(count)
	if c.object {
		c.entries += c.count * (c.width + 2)
	}
	return c, nil
}

func unsigned(b []byte, width int) uint64 {
	if width == 2 {
		return uint64(binary.LittleEndian.Uint16(b))
	}
	return uint64(binary.LittleEndian.Uint32(b))
}

// key returns the name of a member. i is below count.
func (c *container) key(i int) ([]byte, error) {
	at := 2*c.width + i*(c.width+2)
	offset, length := unsigned(c.data[at:], c.width), uint64(binary.LittleEndian.Uint16(c.data[at+c.width:]))
	if offset+length > uint64(len(c.data)) {
		return nil, errCut
	}
	return c.data[offset : offset+length], nil
}

// value returns a value. i is below count.
func (c *container) value(i int) (value, error) {
	at := c.entries + i*(1+c.width)
	kind := c.data[at]
	at++
	if kind == literal || kind == int16Type || kind == uint16Type || c.width == 4 && (kind == int32Type || kind == uint32Type) {
		return value{kind, c.data[at : at+c.width]}, nil
	}
	offset := unsigned(c.data[at:], c.width)
	if offset > uint64(len(c.data)) {
		return value{}, errCut
	}
	return value{kind, c.data[offset:]}, nil
}

// parse takes the type of a document off.
func parse(document []byte) value {
	if len(document) == 0 { // what a NOT NULL column has that was never set
		return value{literal, []byte{0}}
	}
	return value{document[0], document[1:]}
}

// variable reads a length of 7 bits a byte, the lowest first, and the bytes after it.
func variable(b []byte) ([]byte, error) {
	length := uint64(0)
	for i := range min(len(b), 5) {
		length |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			b = b[i+1:]
			if length > uint64(len(b)) {
				return nil, errCut
			}
			return b[:length], nil
		}
	}
	return nil, errCut
}
