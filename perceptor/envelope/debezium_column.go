package envelope

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
)

// debeziumWriters write as Debezium does with time.precision.mode=adaptive_time_microseconds, its default for MySQL,
// decimal.handling.mode=precise and bigint.unsigned.handling.mode=precise, its exact ones.
var debeziumWriters = []writer{
	change.TinyInt: writeWhole, change.SmallInt: writeWhole, change.MediumInt: writeWhole, change.Integer: writeWhole, change.BigInt: writeWhole,
	change.Numeric: writeUnscaled, change.FloatType: writeFloat, change.DoubleType: writeFloat, change.Bit: writeBits, change.Year: writeWhole,
	change.DateType: writeEpochDays, change.TimeType: writeMicroTime, change.DateTimeType: writeEpochTime, change.TimestampType: writeZoned,
	change.Char: writeQuoted, change.VarChar: writeQuoted, change.TinyText: writeQuoted, change.TextType: writeQuoted, change.MediumText: writeQuoted,
	change.LongText: writeQuoted, change.Enum: writeQuoted, change.Set: writeQuoted, change.JSONType: writeQuoted,
	change.UUID: writeQuoted, change.INET4: writeQuoted, change.INET6: writeQuoted,
	change.Binary: writeBase64, change.VarBinary: writeBase64, change.TinyBlob: writeBase64, change.Blob: writeBase64, change.MediumBlob: writeBase64,
	change.LongBlob: writeBase64, change.Geometry: writeGeometry, change.Type(change.INET6 + 1): nil,
}

// writeUnscaled writes a number without its point as the bytes of a two's complement number, big-endian and as few as
// possible, in base64: Connect's Decimal.
func writeUnscaled(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	var b [32]byte
	switch v.Kind {
	case change.Uint, change.Int:
		binary.BigEndian.PutUint64(b[24:], v.Uint())
		if v.Kind == change.Int && v.Int() < 0 {
			for i := range 24 {
				b[i] = 0xff
			}
		}
	case change.Decimal:
		if !unscaled(&b, v.Raw(), c.Scale) {
			return dst, fmt.Errorf("%.80q is no number with %d digits after the point", v.Raw(), c.Scale)
		}
	default:
		return c.wrong(dst, v)
	}
	from := 0
	for from < len(b)-1 && (b[from] == 0 && b[from+1] < 0x80 || b[from] == 0xff && b[from+1] >= 0x80) {
		from++
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), b[from:])
	return append(dst, '"'), nil
}

// unscaled reads [-]digits[.digits] with exactly scale digits after the point, or fewer, which are filled up. The largest
// DECIMAL has 65 digits, which are 217 bits.
func unscaled(b *[32]byte, text []byte, scale int) bool {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	digits, after, point := 0, 0, false
	var n [4]uint64 // the least first
	push := func(d uint64) {
		for i := range n {
			hi, lo := mul10(n[i], d)
			n[i], d = lo, hi
		}
	}
	for _, ch := range text {
		if ch == '.' && !point {
			point = true
			continue
		}
		if ch < '0' || ch > '9' {
			return false
		}
		digits++
		if point {
			after++
		}
		push(uint64(ch - '0'))
	}
	if digits == 0 || digits > 65 || after > scale || scale > 65 {
		return false
	}
	for ; after < scale; after++ {
		push(0)
	}
	if n[3]>>63 != 0 {
		return false
	}
	if negative {
		carry := uint64(1)
		for i := range n {
			n[i] = ^n[i] + carry
			if n[i] != 0 {
				carry = 0
			}
		}
	}
	for i := range n {
		binary.BigEndian.PutUint64(b[24-8*i:], n[i])
	}
	return true
}

// writeBits writes a BIT(1) as a boolean, any other as its bytes, the least first, in base64.
func writeBits(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	switch {
	case v.Kind != change.Bits:
		return c.wrong(dst, v)
	case c.Length == 1:
		return strconv.AppendBool(dst, v.Uint() != 0), nil
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v.Uint())
	return appendBase64(dst, b[:bitBytes(c.Length)]), nil
}

func bitBytes(bits int) int {
	if bits <= 0 || bits > 64 {
		return 8
	}
	return (bits + 7) / 8
}

// writeEpochDays writes a day as its number. What is no day of a calendar is null where it may be, else 0, as Debezium
// does; the exact value goes along.
func writeEpochDays(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	if v.Kind != change.Date {
		return c.wrong(dst, v)
	}
	days, ok := epochDays(v.Day())
	if !ok {
		return c.noMoment(dst, v, x, "0"), nil
	}
	return strconv.AppendInt(dst, days, 10), nil
}

func (c *column) noMoment(dst []byte, v change.Value, x *exactValues, zero string) []byte {
	x.note(v)
	if c.Nullable {
		zero = "null"
	}
	return append(dst, zero...)
}

func writeMicroTime(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Time {
		return c.wrong(dst, v)
	}
	return strconv.AppendInt(dst, v.Int(), 10), nil
}

// writeEpochTime writes milliseconds, or microseconds of a column with more than three digits after the second.
func writeEpochTime(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	if v.Kind != change.DateTime {
		return c.wrong(dst, v)
	}
	micros, ok := microsOfDateTime(v)
	switch {
	case !ok:
		return c.noMoment(dst, v, x, "0"), nil
	case c.Scale > 3:
		return strconv.AppendInt(dst, micros, 10), nil
	case micros%1000 != 0:
		return c.wrong(dst, v)
	}
	return strconv.AppendInt(dst, micros/1000, 10), nil
}

func writeZoned(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	switch {
	case v.Kind != change.Timestamp:
		return c.wrong(dst, v)
	case v.Int() == change.ZeroTimestamp:
		return c.noMoment(dst, v, x, `"1970-01-01T00:00:00Z"`), nil
	}
	dst = append(dst, '"')
	at := len(dst)
	dst = v.AppendText(dst, c.Scale)
	dst[at+len("2006-01-02")] = 'T'
	return append(dst, 'Z', '"'), nil
}

// writeGeometry writes the well-known binary form and the reference system, which MySQL keeps in the 4 bytes before it.
func writeGeometry(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	raw := v.Raw()
	if v.Kind != change.Bytes || len(raw) < 4 {
		return c.wrong(dst, v)
	}
	dst = appendBase64(append(dst, `{"wkb":`...), raw[4:])
	dst = append(dst, `,"srid":`...)
	if srid := binary.LittleEndian.Uint32(raw); srid != 0 {
		dst = strconv.AppendUint(dst, uint64(srid), 10)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, '}'), nil
}

// mul10 is 10 times n and d more, in two words.
func mul10(n, d uint64) (hi, lo uint64) {
	hi, lo = bits.Mul64(n, 10)
	lo, carry := bits.Add64(lo, d, 0)
	return hi + carry, lo
}
