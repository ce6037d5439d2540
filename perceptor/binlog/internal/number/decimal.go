// Package number writes numbers as MySQL writes them. It is pure.
package number

import (
	"fmt"
	"strconv"
)

// digitsPerWord is how many decimal digits a word of four bytes of a binary decimal holds; fewer need digitBytes of them.
const digitsPerWord = 9

var digitBytes = [digitsPerWord + 1]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

// precisionMax and scaleMax are MySQL's bounds of a decimal; MariaDB lets the scale be 38.
const (
	precisionMax = 65
	scaleMax     = 38
)

// DecimalSize is the length of a binary decimal in bytes.
func DecimalSize(precision, scale int) (int, error) {
	if precision < 1 || precision > precisionMax || scale < 0 || scale > scaleMax || scale > precision {
		return 0, fmt.Errorf("there is no DECIMAL(%d,%d)", precision, scale)
	}
	whole := precision - scale
	return whole/digitsPerWord*4 + digitBytes[whole%digitsPerWord] + scale/digitsPerWord*4 + digitBytes[scale%digitsPerWord], nil
}

// AppendDecimal appends a binary decimal of DecimalSize bytes as text: a sign if it is negative, at least one digit, and
// all digits of its scale.
//
// The digits before the point come first, what does not fill a word in front; those after it with what does not fill a word at the
// end. All is big-endian. The highest bit is set for what is not negative; all bits of a negative number are inverted.
func AppendDecimal(dst, b []byte, precision, scale int) ([]byte, error) {
	size, err := DecimalSize(precision, scale)
	if err != nil {
		return dst, err
	}
	if len(b) != size {
		return dst, fmt.Errorf("a DECIMAL(%d,%d) of %d bytes, not %d", precision, scale, len(b), size)
	}
	invert := byte(0)
	if b[0]&0x80 == 0 {
		invert = 0xff
		dst = append(dst, '-')
	}
	first := true
	word := func(n int) uint32 {
		v := uint32(0)
		for _, x := range b[:n] {
			x ^= invert
			if first {
				x ^= 0x80
				first = false
			}
			v = v<<8 | uint32(x)
		}
		b = b[n:]
		return v
	}
	whole, leading := precision-scale, true
	digits := func(n int) error {
		v := word(digitBytes[n])
		if v >= powers[n] {
			return fmt.Errorf("a DECIMAL(%d,%d) has %d where it can have %d digits", precision, scale, v, n)
		}
		if leading && v == 0 {
			return nil
		}
		if leading {
			dst = strconv.AppendUint(dst, uint64(v), 10)
			leading = false
			return nil
		}
		dst = appendPadded(dst, v, n)
		return nil
	}
	if n := whole % digitsPerWord; n > 0 {
		if err := digits(n); err != nil {
			return dst, err
		}
	}
	for range whole / digitsPerWord {
		if err := digits(digitsPerWord); err != nil {
			return dst, err
		}
	}
	if leading {
		dst = append(dst, '0')
		leading = false
	}
	if scale == 0 {
		return dst, nil
	}
	dst = append(dst, '.')
	for range scale / digitsPerWord {
		if err := digits(digitsPerWord); err != nil {
			return dst, err
		}
	}
	if n := scale % digitsPerWord; n > 0 {
		if err := digits(n); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

var powers = [digitsPerWord + 1]uint32{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000}

func appendPadded(dst []byte, v uint32, digits int) []byte {
	at := len(dst)
	dst = append(dst, "000000000"[:digits]...)
	for i := at + digits - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}
