package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/internal/charset"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// Types of the protocol.
const (
	wireTiny       = 1
	wireShort      = 2
	wireLong       = 3
	wireFloat      = 4
	wireDouble     = 5
	wireTimestamp  = 7
	wireLongLong   = 8
	wireInt24      = 9
	wireDate       = 10
	wireTime       = 11
	wireDateTime   = 12
	wireYear       = 13
	wireVarChar    = 15
	wireBit        = 16
	wireJSON       = 245
	wireNewDecimal = 246
	wireEnum       = 247
	wireSet        = 248
	wireTinyBlob   = 249
	wireMediumBlob = 250
	wireLongBlob   = 251
	wireBlob       = 252
	wireVarString  = 253
	wireString     = 254
	wireGeometry   = 255
)

// sizes are those of types that need no more than their type to know it, in bytes.
var sizes = [256]int{wireTiny: 1, wireShort: 2, wireYear: 2, wireLong: 4, wireInt24: 4, wireFloat: 4, wireLongLong: 8, wireDouble: 8}

var errCut = errors.New("a row of the server is cut")

// column is how a column's values are read.
type column struct {
	as       change.Type
	unsigned bool
	charset  *charset.Charset
	wire     byte
	// size is how many bytes a value has, if that is told by its type.
	size int
	// plain: a value is a text that is UTF-8 already.
	plain bool
	// twoDigits: it is a YEAR(2), of which the server tells no more.
	twoDigits bool
}

func newColumn(c *change.Column) (column, error) {
	col := column{as: c.Type, unsigned: c.Unsigned, charset: charset.Binary}
	if c.Charset != "" && c.Charset != "binary" {
		var ok bool
		if col.charset, ok = charset.Named(c.Charset); !ok {
			return col, fmt.Errorf("column %q: the charset %q is not known", c.Name, c.Charset)
		}
	}
	return col, nil
}

// isText: a value is characters, or the name of one of some choices.
func (c *column) isText() bool {
	switch c.as {
	case change.Enum, change.Set:
		return true
	case change.Numeric, change.Bit, change.DateType, change.DateTimeType, change.TimestampType, change.TimeType, change.UUID, change.INET4, change.INET6, change.JSONType:
		return false
	}
	return !c.charset.IsBinary()
}

// takes sets how the server sends the column. What no column of its type is sent as is refused: the table has been changed.
func (c *column) takes(wire server.Column) bool {
	c.wire, c.size = wire.Type, sizes[wire.Type]
	c.plain = c.isText() && c.charset.IsUTF8()
	c.twoDigits = wire.Type == wireYear && wire.Length == 2
	switch c.as {
	case change.TinyInt:
		return c.wire == wireTiny
	case change.SmallInt:
		return c.wire == wireShort
	case change.MediumInt:
		return c.wire == wireInt24 || c.wire == wireLong
	case change.Integer:
		return c.wire == wireLong
	case change.BigInt:
		return c.wire == wireLongLong
	case change.FloatType:
		return c.wire == wireFloat
	case change.DoubleType:
		return c.wire == wireDouble
	case change.Numeric:
		return c.wire == wireNewDecimal
	case change.Bit:
		return c.wire == wireBit
	case change.Year:
		return c.wire == wireYear
	case change.DateType:
		return c.wire == wireDate
	case change.TimeType:
		return c.wire == wireTime
	case change.DateTimeType:
		return c.wire == wireDateTime
	case change.TimestampType:
		return c.wire == wireTimestamp
	}
	return c.wire >= wireJSON && c.wire != wireNewDecimal || c.wire == wireVarChar
}

// read reads a value from the front of b into dst, and returns how many bytes it has there.
func (c *column) read(dst *change.Value, b []byte, a *arena.Arena) (n int, err error) {
	if c.size > 0 {
		if c.size > len(b) {
			return 0, errCut
		}
		*dst = c.number(b[:c.size])
		return c.size, nil
	}
	stored, rest, ok := server.Content(b)
	if !ok {
		return 0, errCut
	}
	n = len(b) - len(rest)
	if !c.plain {
		*dst, err = c.content(stored, a)
		return n, err
	}
	if !utf8.Valid(stored) {
		_, err = c.charset.Append(nil, stored) // says what is wrong with it
		return n, err
	}
	*dst = change.TextValue(a.Copy(stored))
	return n, nil
}

func (c *column) number(b []byte) change.Value {
	n, shift := uint64(0), 64-8*len(b)
	switch len(b) {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		n = uint64(binary.LittleEndian.Uint32(b))
	default:
		n = binary.LittleEndian.Uint64(b)
	}
	switch c.wire {
	case wireFloat:
		return change.FloatValue(math.Float32frombits(uint32(n)))
	case wireDouble:
		return change.DoubleValue(math.Float64frombits(n))
	case wireYear:
		return change.UintValue(c.year(n))
	}
	switch {
	case !c.unsigned:
		return change.IntValue(int64(n<<shift) >> shift)
	case c.wire == wireInt24:
		return change.UintValue(n & 0xffffff)
	}
	return change.UintValue(n)
}

func (c *column) year(n uint64) uint64 {
	const pivot = 70
	switch {
	case !c.twoDigits:
		return n
	case n < pivot:
		return 2000 + n
	}
	return 1900 + n
}

func (c *column) content(b []byte, a *arena.Arena) (change.Value, error) {
	switch c.as {
	case change.Numeric:
		return change.DecimalValue(a.Copy(withoutZeros(b))), nil
	case change.Bit:
		if len(b) > 8 {
			return change.Value{}, fmt.Errorf("a BIT of %d bytes", len(b))
		}
		n := uint64(0)
		for _, x := range b {
			n = n<<8 | uint64(x)
		}
		return change.BitsValue(n), nil
	case change.DateType, change.DateTimeType, change.TimestampType:
		return c.day(b)
	case change.TimeType:
		return clock(b)
	case change.UUID, change.INET4, change.INET6:
		return change.TextValue(a.Copy(b)), nil
	}
	choice := c.as == change.Enum || c.as == change.Set
	if c.charset.IsBinary() && !choice && c.as != change.JSONType {
		return change.BytesValue(a.Copy(b)), nil
	}
	room := len(b)
	if !c.charset.IsUTF8() {
		room = 3 * len(b)
	}
	text, err := c.charset.Append(a.Buffer(room), b)
	if err != nil {
		return change.Value{}, err
	}
	if text = a.Keep(text); c.as == change.JSONType {
		return change.JSONValue(text), nil
	}
	return change.TextValue(text), nil
}

// withoutZeros takes away what ZEROFILL puts in front of a decimal.
func withoutZeros(b []byte) []byte {
	for len(b) > 1 && b[0] == '0' && b[1] != '.' {
		b = b[1:]
	}
	return b
}

// day reads nothing, or year 2 | month 1 | day 1, or those and hour 1 | minute 1 | second 1, or those and microseconds 4.
func (c *column) day(b []byte) (change.Value, error) {
	var full [11]byte
	switch len(b) {
	case 0, 4, 7, 11:
		copy(full[:], b)
	default:
		return change.Value{}, fmt.Errorf("a %s of %d bytes", c.as, len(b))
	}
	year, month, day := int(binary.LittleEndian.Uint16(full[:])), int(full[2]), int(full[3])
	hour, minute, second, micro := int64(full[4]), int64(full[5]), int64(full[6]), int64(binary.LittleEndian.Uint32(full[7:]))
	if year > 9999 || month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59 || micro > 999_999 {
		return change.Value{}, fmt.Errorf("a %s of % x", c.as, b)
	}
	ofDay := (hour*3600+minute*60+second)*1_000_000 + micro
	switch c.as {
	case change.DateType:
		return change.DateValue(year, month, day), nil
	case change.DateTimeType:
		return change.DateTimeValue(year, month, day, ofDay), nil
	}
	if year == 0 {
		return change.TimestampValue(change.ZeroTimestamp), nil
	}
	return change.TimestampValue(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).UnixMicro() + ofDay), nil
}

// clock reads nothing, or negative 1 | days 4 | hour 1 | minute 1 | second 1, or those and microseconds 4.
func clock(b []byte) (change.Value, error) {
	var full [12]byte
	switch len(b) {
	case 0, 8, 12:
		copy(full[:], b)
	default:
		return change.Value{}, fmt.Errorf("a time of %d bytes", len(b))
	}
	hours := int64(binary.LittleEndian.Uint32(full[1:]))*24 + int64(full[5])
	minute, second, micro := int64(full[6]), int64(full[7]), int64(binary.LittleEndian.Uint32(full[8:]))
	if hours > 838 || minute > 59 || second > 59 || micro > 999_999 {
		return change.Value{}, fmt.Errorf("a time of % x", b)
	}
	n := (hours*3600+minute*60+second)*1_000_000 + micro
	if full[0] != 0 {
		n = -n
	}
	return change.TimeValue(n), nil
}
