package hbase

import (
	"encoding/binary"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// ValueFormat is how values are written into cells.
type ValueFormat uint8

const (
	// ValuesText writes a value as MySQL would show it.
	ValuesText ValueFormat = iota
	// ValuesBytes writes whole numbers and times as 8 bytes and doubles as 8, floats as 4, all big-endian as Java's Bytes.toBytes
	// does it: a BIT as a number, a TIME as its microseconds, a TIMESTAMP as microseconds since 1970. A decimal, a DATE and a
	// DATETIME are text, which has no such form.
	ValuesBytes
)

// value is what a cell has of a value that is neither NULL nor missing.
func (f ValueFormat) value(memory *arena.Arena, v change.Value, digits int) []byte {
	switch v.Kind {
	case change.Decimal, change.Text, change.Bytes, change.JSON:
		return v.Raw()
	}
	const room = 32 // longer than any of the others
	return memory.Keep(f.appendValue(memory.Buffer(room), v, digits))
}

// appendValue appends a value that is neither NULL nor missing. digits are those of a second's fraction.
func (f ValueFormat) appendValue(dst []byte, v change.Value, digits int) []byte {
	if f == ValuesBytes {
		switch v.Kind {
		case change.Int, change.Uint, change.Bits, change.Double, change.Time, change.Timestamp:
			return binary.BigEndian.AppendUint64(dst, v.Uint())
		case change.Float:
			return binary.BigEndian.AppendUint32(dst, uint32(v.Uint()))
		}
	}
	return v.AppendText(dst, digits)
}
