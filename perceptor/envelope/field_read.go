package envelope

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// null reports whether a node is SQL's NULL, and its text otherwise.
func (d *Decoder) null(i int32) bool { return d.value.kind(i) == 'n' }

// digits is the text of a number, or of a string with one.
func (d *Decoder) digits(i int32) []byte {
	n := &d.value.nodes[i]
	return d.value.text[n.from:n.to]
}

func (d *Decoder) wrong(i int32, what string) (change.Value, error) {
	raw := d.value.raw(i)
	return change.Value{}, fmt.Errorf("%.80q is %s", raw[:min(len(raw), 80)], what)
}

// readWhole reads a whole number. A BIGINT UNSIGNED may also be a Decimal's bytes, or, of a source that is set to, wrapped
// to a negative number, which is refused: nobody knows what it was.
func readWhole(f *field, d *Decoder, i int32) (change.Value, error) {
	switch kind := d.value.kind(i); {
	case kind == 'n':
		return change.NullValue(), nil
	case kind == '"' && f.column.Type == change.BigInt && f.column.Unsigned:
		return readUnscaled(f, d, i)
	case kind == 't' || kind == 'f': // a BOOLEAN by a converter
		return wholeValue(&f.column, []byte{'0' + b2i(kind == 't')})
	case kind != 0 && kind != '"':
		return d.wrong(i, "no number")
	}
	return wholeValue(&f.column, d.digits(i))
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func readFloat(f *field, d *Decoder, i int32) (change.Value, error) {
	switch d.value.kind(i) {
	case 'n':
		return change.NullValue(), nil
	case 0, '"':
		return floatValue(&f.column, d.digits(i))
	}
	return d.wrong(i, "no number")
}

// readUnscaled reads Connect's Decimal.
func readUnscaled(f *field, d *Decoder, i int32) (change.Value, error) {
	switch d.value.kind(i) {
	case 'n':
		return change.NullValue(), nil
	case 0: // a converter that is set to numbers
		return textValue(&f.column, d.digits(i), time.UTC)
	}
	b, err := d.base64(i)
	if err != nil {
		return change.Value{}, err
	}
	if len(b) == 0 || len(b) > 64 {
		return d.wrong(i, "no decimal's bytes")
	}
	text := appendSigned(make([]byte, 0, 24), b)
	if f.column.Type != change.Numeric {
		return wholeValue(&f.column, text)
	}
	return change.DecimalValue(withPoint(text, f.scale)), nil
}

// appendSigned appends the digits of a two's complement number.
func appendSigned(dst, b []byte) []byte {
	negative := b[0] >= 0x80
	if len(b) <= 8 {
		n := uint64(0)
		if negative {
			n = math.MaxUint64
		}
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return strconv.AppendInt(dst, int64(n), 10)
	}
	n := new(big.Int).SetBytes(b)
	if negative {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n.Append(dst, 10)
}

// withPoint puts the point so many digits before the end.
func withPoint(text []byte, scale int) []byte {
	if scale <= 0 {
		return text
	}
	first := 0 // digit
	if text[0] == '-' {
		first = 1
	}
	for range scale + 1 - (len(text) - first) {
		text = slices.Insert(text, first, '0')
	}
	return slices.Insert(text, max(len(text)-scale, first), '.')
}

func readBool(f *field, d *Decoder, i int32) (change.Value, error) {
	switch kind := d.value.kind(i); kind {
	case 'n':
		return change.NullValue(), nil
	case 't', 'f':
		if f.column.Type == change.Bit {
			return change.BitsValue(uint64(b2i(kind == 't'))), nil
		}
		return change.IntValue(int64(b2i(kind == 't'))), nil
	}
	return d.wrong(i, "neither true nor false")
}

func readBits(_ *field, d *Decoder, i int32) (change.Value, error) {
	if d.null(i) {
		return change.NullValue(), nil
	}
	b, err := d.base64(i)
	if err != nil {
		return change.Value{}, err
	}
	if len(b) > 8 {
		return d.wrong(i, "more than 64 bits")
	}
	var n [8]byte
	copy(n[:], b)
	return change.BitsValue(binary.LittleEndian.Uint64(n[:])), nil
}

func (d *Decoder) base64(i int32) ([]byte, error) {
	if d.value.kind(i) != '"' {
		return nil, errNotText
	}
	text := d.value.content(i)
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return nil, fmt.Errorf("it is no base64: %w", err)
	}
	return out[:n:n], nil
}

func readBase64(_ *field, d *Decoder, i int32) (change.Value, error) {
	if d.null(i) {
		return change.NullValue(), nil
	}
	b, err := d.base64(i)
	return change.BytesValue(b), err
}

// readTyped reads a string by the column's type.
func readTyped(f *field, d *Decoder, i int32) (change.Value, error) {
	switch d.value.kind(i) {
	case 'n':
		return change.NullValue(), nil
	case '"':
		return textValue(&f.column, d.value.content(i), d.o.Zone)
	}
	return d.wrong(i, "no string")
}

func (d *Decoder) number(i int32) (int64, error) {
	if d.value.kind(i) != 0 {
		return 0, fmt.Errorf("%.40q is no number", d.value.raw(i))
	}
	n, err := strconv.ParseInt(string(d.digits(i)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no whole number of 64 bits", d.digits(i))
	}
	return n, nil
}

// readCount reads a number of units, or, where there is NULL or a string, that by the column's type.
func readCount(of func(f *field, d *Decoder, i int32, n int64) (change.Value, error)) reader {
	return func(f *field, d *Decoder, i int32) (change.Value, error) {
		if kind := d.value.kind(i); kind == 'n' || kind == '"' {
			return readTyped(f, d, i)
		}
		n, err := d.number(i)
		if err != nil {
			return change.Value{}, err
		}
		return of(f, d, i, n)
	}
}

func readEpochDays(_ *field, d *Decoder, i int32, days int64) (change.Value, error) {
	v, ok := dateOfDays(days)
	if !ok {
		return d.wrong(i, "no day of the years 0 to 9999")
	}
	return v, nil
}

// clockMax is the largest TIME, in microseconds: 838:59:59.999999.
const clockMax = (838*3600+59*60+59)*1_000_000 + 999_999

// readClock reads a TIME in a unit of times/parts microseconds.
func readClock(times, parts int64) reader {
	return readCount(func(f *field, d *Decoder, i int32, n int64) (change.Value, error) {
		if n > clockMax/times*parts || n < -(clockMax/times*parts) {
			return d.wrong(i, "beyond 838:59:59")
		}
		return change.TimeValue(n * times / parts), nil
	})
}

// readMoment reads a DATETIME in a unit of times/parts microseconds since 1970.
func readMoment(times, parts int64) reader {
	return readCount(func(f *field, d *Decoder, i int32, n int64) (change.Value, error) {
		if n > math.MaxInt64/times || n < math.MinInt64/times {
			return d.wrong(i, "no time of the years 0 to 9999")
		}
		micros := floorDiv(n*times, parts)
		v, ok := dateTimeOfMicros(micros)
		switch {
		case !ok:
			return d.wrong(i, "no time of the years 0 to 9999")
		case f.column.Type == change.TimestampType:
			return change.TimestampValue(micros), nil
		}
		return v, nil
	})
}

// readZoned reads a moment as text with its zone (RFC 3339).
func readZoned(_ *field, d *Decoder, i int32) (change.Value, error) {
	if d.null(i) {
		return change.NullValue(), nil
	}
	if d.value.kind(i) != '"' {
		return d.wrong(i, "no time with a zone")
	}
	t, err := time.Parse(time.RFC3339Nano, string(d.value.content(i)))
	if err != nil {
		return d.wrong(i, "no time with a zone (2006-01-02T15:04:05Z)")
	}
	return change.TimestampValue(t.UnixMicro()), nil
}

// readGeometry puts the reference system in front of the well-known binary form, as MySQL keeps it.
func readGeometry(_ *field, d *Decoder, i int32) (change.Value, error) {
	if d.null(i) {
		return change.NullValue(), nil
	}
	t := &d.value
	wkb := t.member(i, "wkb")
	if t.kind(i) != '{' || wkb == none {
		return d.wrong(i, "no geometry: wkb is missing")
	}
	b, err := d.base64(wkb)
	if err != nil {
		return change.Value{}, err
	}
	srid := int64(0)
	if err := t.members(i, want{name: "srid", number: &srid}); err != nil || srid < 0 || srid > math.MaxUint32 {
		return change.Value{}, errors.New("its srid is no number of 32 bits")
	}
	return change.BytesValue(append(binary.LittleEndian.AppendUint32(nil, uint32(srid)), b...)), nil
}

// readAny reads what nobody knows the type of: a whole number, a number with a point as a decimal, true and false as 1 and
// 0, characters, and what is nested as a document.
func readAny(_ *field, d *Decoder, i int32) (change.Value, error) {
	switch kind := d.value.kind(i); kind {
	case 'n':
		return change.NullValue(), nil
	case 't', 'f':
		return change.IntValue(int64(b2i(kind == 't'))), nil
	case '"':
		return change.TextValue(d.value.content(i)), nil
	case 0:
		text := d.digits(i)
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return change.IntValue(n), nil
		}
		if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return change.UintValue(n), nil
		}
		return change.DecimalValue(text), nil
	}
	return change.JSONValue(d.value.raw(i)), nil
}
