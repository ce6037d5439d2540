package change

import (
	"math"
	"strconv"
)

// AppendDouble appends a number as MySQL and MariaDB show a DOUBLE: the fewest digits that mean it, without an exponent from
// 1e-15 up to 1e15 or with digits behind the point, with one ("1e15", "1.5e-16") elsewhere. bits is 64, or 32 for the fewest digits that mean a FLOAT, of
// which the servers show six. What is no number of SQL is shown as Go does.
func AppendDouble(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendFloat(dst, f, 'g', -1, bits)
	}
	var buffer [32]byte
	text := strconv.AppendFloat(buffer[:0], math.Abs(f), 'e', -1, bits)
	// text is d.ddde±xx: the digits, and how many of them are before the point.
	var digits [20]byte
	n, at := 0, 0
	for ; text[at] != 'e'; at++ {
		if text[at] != '.' {
			digits[n] = text[at]
			n++
		}
	}
	exponent, _ := strconv.Atoi(string(text[at+1:]))
	before := exponent + 1
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	const plainMax = 15
	switch {
	case f == 0:
		return append(dst, '0')
	case before > plainMax && before >= n || before < -plainMax+1:
		dst = append(dst, digits[0])
		if n > 1 {
			dst = append(append(dst, '.'), digits[1:n]...)
		}
		return strconv.AppendInt(append(dst, 'e'), int64(exponent), 10)
	case before <= 0:
		dst = append(dst, "0."...)
		for ; before < 0; before++ {
			dst = append(dst, '0')
		}
		return append(dst, digits[:n]...)
	case before >= n:
		dst = append(dst, digits[:n]...)
		for ; before > n; before-- {
			dst = append(dst, '0')
		}
		return dst
	}
	dst = append(dst, digits[:before]...)
	return append(append(dst, '.'), digits[before:n]...)
}
