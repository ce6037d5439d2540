package hbase

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// texts takes a key without its salt apart that appendKey has made of n columns: the text of each. Of a decimal in KeyBytes
// that is the number without zeros that do not count.
func (f KeyFormat) texts(key []byte, n int) ([][]byte, error) {
	var parts [][]byte
	var err error
	switch {
	case f == KeyBytes:
		parts, err = orderedTexts(key, n)
	case n == 1:
		parts = [][]byte{key}
	default:
		parts, err = splitText(key)
	}
	if err == nil && len(parts) != n {
		err = fmt.Errorf("it has %d parts, and the table's key has %d columns", len(parts), n)
	}
	return parts, err
}

// splitText cuts at each '|' that has no '\' in front.
func splitText(key []byte) ([][]byte, error) {
	parts, escaped := [][]byte{{}}, false
	for _, c := range key {
		last := &parts[len(parts)-1]
		switch {
		case escaped || c != '|' && c != '\\':
			if escaped && c != '|' && c != '\\' {
				return nil, fmt.Errorf(`there is \%c in it`, c)
			}
			*last, escaped = append(*last, c), false
		case c == '\\':
			escaped = true
		default:
			parts = append(parts, []byte{})
		}
	}
	if escaped {
		return nil, errors.New(`it ends with \`)
	}
	return parts, nil
}

var errKeyCut = errors.New("it ends within a column")

// orderedTexts reads what appendOrdered has written for n columns.
func orderedTexts(key []byte, n int) (parts [][]byte, err error) {
	for i := range n {
		var part []byte
		if part, key, err = orderedText(key, i == n-1); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(key) > 0 {
		return nil, fmt.Errorf("%d bytes follow its last column", len(key))
	}
	return parts, nil
}

var fixedKinds = map[byte]int{kindNegative: 8, kindWhole: 8, kindFloat: 8, kindDate: 4, kindDateTime: 12, kindTime: 8, kindTimestamp: 8}

func orderedText(key []byte, last bool) (text, rest []byte, err error) {
	if len(key) == 0 {
		return nil, nil, errKeyCut
	}
	kind, b := key[0], key[1:]
	if size, fixed := fixedKinds[kind]; fixed {
		if len(b) < size {
			return nil, nil, errKeyCut
		}
		return fixedValue(kind, b).AppendText(nil, 6), b[size:], nil
	}
	switch kind {
	case kindText, kindBytes:
		if last {
			return b, nil, nil
		}
		return cutOrdered(b)
	case kindDecimalZero:
		return []byte("0"), b, nil
	case kindDecimalMinus, kindDecimalPlus:
		return cutDecimal(b, kind == kindDecimalMinus)
	}
	return nil, nil, fmt.Errorf("a column begins with %#x, which is no kind", kind)
}

func fixedValue(kind byte, b []byte) change.Value {
	if kind == kindDate || kind == kindDateTime {
		year, month, day := int(binary.BigEndian.Uint16(b)), int(b[2]), int(b[3])
		if kind == kindDate {
			return change.DateValue(year, month, day)
		}
		return change.DateTimeValue(year, month, day, int64(binary.BigEndian.Uint64(b[4:])))
	}
	n := binary.BigEndian.Uint64(b)
	switch kind {
	case kindNegative:
		return change.IntValue(int64(n))
	case kindTime:
		return change.TimeValue(int64(n ^ 1<<63))
	case kindTimestamp:
		return change.TimestampValue(int64(n ^ 1<<63))
	case kindFloat:
		if n>>63 == 1 {
			n ^= 1 << 63
		} else {
			n = ^n
		}
		return change.DoubleValue(math.Float64frombits(n))
	}
	return change.UintValue(n)
}

// cutOrdered reads what ends with 0 1, in which 0 255 is 0.
func cutOrdered(b []byte) (text, rest []byte, err error) {
	for {
		at := bytes.IndexByte(b, 0)
		if at < 0 || at+1 == len(b) {
			return nil, nil, errKeyCut
		}
		text = append(text, b[:at]...)
		switch b[at+1] {
		case 1:
			return text, b[at+2:], nil
		case 0xff:
			text, b = append(text, 0), b[at+2:]
		default:
			return nil, nil, fmt.Errorf("0 %d is in its text", b[at+1])
		}
	}
}

// decimalDigitsMax is more than MySQL's decimals have.
const decimalDigitsMax = 200

func cutDecimal(b []byte, negative bool) (text, rest []byte, err error) {
	turn := byte(0)
	if negative {
		turn = 0xff
		text = append(text, '-')
	}
	if len(b) < 4 {
		return nil, nil, errKeyCut
	}
	end := bytes.IndexByte(b[4:], turn)
	if end < 0 {
		return nil, nil, errKeyCut
	}
	var head [4]byte
	for i := range head {
		head[i] = b[i] ^ turn
	}
	digits := make([]byte, end)
	for i := range digits {
		digits[i] = b[4+i] ^ turn
	}
	exponent := int64(binary.BigEndian.Uint32(head[:])) - 1<<31
	if exponent > decimalDigitsMax || exponent < -decimalDigitsMax || end > decimalDigitsMax {
		return nil, nil, errors.New("a decimal in it is too long")
	}
	switch whole := int(exponent); {
	case whole <= 0:
		text = append(append(text, "0."+strings.Repeat("0", -whole)...), digits...)
	case whole >= len(digits):
		text = append(append(text, digits...), strings.Repeat("0", whole-len(digits))...)
	default:
		text = append(append(append(text, digits[:whole]...), '.'), digits[whole:]...)
	}
	return text, b[4+end+1:], nil
}
