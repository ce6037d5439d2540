package mysql

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
)

// appendName appends a name of a table or column.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, '`')
	for i := range len(name) {
		if name[i] == '`' {
			dst = append(dst, '`')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '`')
}

// appendString appends a string in quotes, escaped for a session in which a backslash escapes.
func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '\'')
	from := 0
	for i := range len(s) {
		escape := byte(0)
		switch s[i] {
		case '\'', '\\':
			escape = s[i]
		case 0:
			escape = '0'
		default:
			continue
		}
		dst = append(append(append(dst, s[from:i]...), '\\'), escape)
		from = i + 1
	}
	return append(append(dst, s[from:]...), '\'')
}

var (
	errMissing  = errors.New("its value is not told")
	errNoNumber = errors.New("NaN and infinity are no numbers in MySQL")
	errDecimal  = errors.New("it is no decimal")
)

// appendLiteral appends a value. Numbers are written as numbers: in quotes MySQL would compare them as doubles.
func appendLiteral(dst []byte, v change.Value) ([]byte, error) {
	switch v.Kind {
	case change.Missing:
		return dst, errMissing
	case change.Null:
		return append(dst, "NULL"...), nil
	case change.Float, change.Double:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, errNoNumber
		}
		return strconv.AppendFloat(dst, v.Float64(), 'g', -1, 64), nil // the digits of a float alone may be beyond the largest one
	case change.Int, change.Uint, change.Bits:
		return v.AppendText(dst, 0), nil
	case change.Decimal:
		if !isDecimal(v.Raw()) {
			return dst, errDecimal
		}
		return append(dst, v.Raw()...), nil
	case change.Bytes:
		return appendString(append(dst, "_binary"...), v.Raw()), nil
	case change.Text, change.JSON:
		return appendString(dst, v.Raw()), nil
	}
	return append(v.AppendText(append(dst, '\''), 6), '\''), nil
}

// isDecimal reports whether a text is [-]digits[.digits], and so nothing else to MySQL.
func isDecimal(text []byte) bool {
	whole, fraction, point := bytes.Cut(bytes.TrimPrefix(text, []byte{'-'}), []byte{'.'})
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
