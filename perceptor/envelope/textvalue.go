package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// textValue reads the text that MySQL shows of a value. The text is kept. A TIMESTAMP is shown in a zone.
func textValue(c *change.Column, text []byte, zone *time.Location) (change.Value, error) {
	switch c.Type {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.Year:
		return wholeValue(c, text)
	case change.Numeric:
		if !isDecimal(text) {
			return change.Value{}, fmt.Errorf("%.80q is no decimal", text)
		}
		return change.DecimalValue(text), nil
	case change.FloatType, change.DoubleType:
		return floatValue(c, text)
	case change.Bit:
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return change.Value{}, fmt.Errorf("%.40q is no number of bits", text)
		}
		return change.BitsValue(n), nil
	case change.DateType:
		y, m, d, rest, ok := cutDay(text)
		if !ok || len(rest) > 0 {
			return change.Value{}, fmt.Errorf("%.40q is no date", text)
		}
		return change.DateValue(y, m, d), nil
	case change.TimeType:
		micros, ok := clock(text)
		if !ok || micros > clockMax || micros < -clockMax {
			return change.Value{}, fmt.Errorf("%.40q is no time", text)
		}
		return change.TimeValue(micros), nil
	case change.DateTimeType, change.TimestampType:
		return dateTimeValue(c, text, zone)
	case change.Enum, change.Set:
		return change.TextValue(memberText(c, text)), nil
	case change.JSONType:
		return change.JSONValue(text), nil
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob, change.Geometry:
		return latin1Value(text)
	}
	return change.TextValue(text), nil
}

// wholeValue reads digits: of an unsigned column and of a YEAR as a Uint, of another as an Int.
func wholeValue(c *change.Column, text []byte) (change.Value, error) {
	if c.Unsigned || c.Type == change.Year {
		if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return change.UintValue(n), nil
		}
	} else if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return change.IntValue(n), nil
	}
	return change.Value{}, fmt.Errorf("%.40q is no whole number of type %s", text, columnType(c))
}

func floatValue(c *change.Column, text []byte) (change.Value, error) {
	bits := 64
	if c.Type == change.FloatType {
		bits = 32
	}
	f, err := strconv.ParseFloat(string(text), bits)
	if err != nil || len(text) > 0 && (text[0] == '+' || strings.ContainsAny(string(text), "xXpP_")) {
		return change.Value{}, fmt.Errorf("%.40q is no number of type %s", text, c.Type)
	}
	if bits == 32 {
		return change.FloatValue(float32(f)), nil
	}
	return change.DoubleValue(f), nil
}

// isDecimal reports whether a text is [-]digits[.digits].
func isDecimal(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte{'-'})
	whole, after, point := bytes.Cut(text, []byte{'.'})
	digits := func(b []byte) bool {
		for _, c := range b {
			if c < '0' || c > '9' {
				return false
			}
		}
		return len(b) > 0
	}
	return digits(whole) && (!point || digits(after))
}

// memberText finds the name of a member that is told by its number, as Canal does with ENUM (the n-th) and SET (a bit for
// each).
func memberText(c *change.Column, text []byte) []byte {
	for _, name := range c.Members {
		if name == string(text) {
			return text
		}
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	switch {
	case err != nil:
		return text
	case c.Type == change.Enum && n >= 1 && n <= uint64(len(c.Members)):
		return []byte(c.Members[n-1])
	case c.Type == change.Set && n>>min(len(c.Members), 63) == 0 && len(c.Members) > 0:
		var names []string
		for i, name := range c.Members {
			if n>>i&1 == 1 {
				names = append(names, name)
			}
		}
		return []byte(strings.Join(names, ","))
	}
	return text
}

func splitNames(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// latin1Value reads bytes that are told as the characters U+0000 to U+00FF.
func latin1Value(text []byte) (change.Value, error) {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			return change.Value{}, errors.New("a character is no byte: binary columns are told as ISO 8859-1")
		}
		out = append(out, byte(r))
	}
	return change.BytesValue(out), nil
}

func dateTimeValue(c *change.Column, text []byte, zone *time.Location) (change.Value, error) {
	wrong := fmt.Errorf("%.40q is no day and time", text)
	y, m, d, rest, ok := cutDay(text)
	if !ok || len(rest) == 1 || len(rest) > 0 && rest[0] != ' ' && rest[0] != 'T' {
		return change.Value{}, wrong
	}
	micros := int64(0)
	if len(rest) > 0 {
		zulu := bytes.TrimSuffix(rest[1:], []byte{'Z'})
		if len(zulu) < len(rest)-1 {
			zone = time.UTC
		}
		if micros, ok = clock(zulu); !ok || micros < 0 || micros >= dayMicros {
			return change.Value{}, wrong
		}
	}
	if c.Type == change.DateTimeType {
		return change.DateTimeValue(y, m, d, micros), nil
	}
	if y == 0 && m == 0 && d == 0 && micros == 0 {
		return change.TimestampValue(change.ZeroTimestamp), nil
	}
	if _, ok := epochDays(y, m, d); !ok {
		return change.Value{}, wrong
	}
	t := time.Date(y, time.Month(m), d, 0, 0, int(micros/1_000_000), int(micros%1_000_000)*1000, zone)
	return change.TimestampValue(t.UnixMicro()), nil
}

// cutDay reads YYYY-MM-DD from the front. Month and day may be zero.
func cutDay(text []byte) (y, m, d int, rest []byte, ok bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return 0, 0, 0, nil, false
	}
	y, ok1 := digitsOf(text[:4])
	m, ok2 := digitsOf(text[5:7])
	d, ok3 := digitsOf(text[8:10])
	return y, m, d, text[10:], ok1 && ok2 && ok3 && m <= 12 && d <= 31
}

func digitsOf(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0 && len(b) < 10
}

// clock reads [-]H:MM:SS[.ffffff] in microseconds. Hours may be many.
func clock(text []byte) (micros int64, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	text, fraction, point := bytes.Cut(text, []byte{'.'})
	parts := bytes.Split(text, []byte{':'})
	if len(parts) != 3 || len(parts[1]) != 2 || len(parts[2]) != 2 || len(parts[0]) > 3 || point && (len(fraction) == 0 || len(fraction) > 9) {
		return 0, false
	}
	var n [3]int
	for i, p := range parts {
		if n[i], ok = digitsOf(p); !ok {
			return 0, false
		}
	}
	if n[1] > 59 || n[2] > 59 {
		return 0, false
	}
	micros = int64(n[0]*3600+n[1]*60+n[2]) * 1_000_000
	if point {
		f, ok := digitsOf(append(append(make([]byte, 0, 9), fraction...), "000000"[:max(6-len(fraction), 0)]...))
		if !ok {
			return 0, false
		}
		for i := len(fraction); i > 6; i-- {
			f /= 10
		}
		micros += int64(f)
	}
	if negative {
		micros = -micros
	}
	return micros, true
}
