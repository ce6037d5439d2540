package binjson

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/binlog/internal/number"
	"github.com/skein-io/skein/perceptor/change"
)

// Append appends a document as text.
func Append(dst, document []byte) ([]byte, error) {
	p := printer{dst: dst, end: len(dst) + textMax(len(document))}
	if err := p.value(parse(document), 0); err != nil {
		return dst, err
	}
	return p.dst, nil
}

// textMax is how long the text of a document can be at most: a byte of a string may become six (\u0001), and all else grows
// less. Only one whose parts overlap would be longer.
func textMax(document int) int { return 8*document + 64 }

// printer writes text up to a bound.
type printer struct {
	dst []byte
	end int
}

var errOverlap = errors.New("a JSON document has parts that overlap")

func (p *printer) value(v value, depth int) error {
	if depth > depthMax {
		return errDeep
	}
	var err error
	if v.kind <= largeArray {
		err = p.container(v, depth)
	} else {
		p.dst, err = appendScalar(p.dst, v)
	}
	if err == nil && len(p.dst) > p.end {
		err = errOverlap
	}
	return err
}

func (p *printer) container(v value, depth int) error {
	c, err := open(v)
	if err != nil {
		return err
	}
	opening, closing := byte('['), byte(']')
	if c.object {
		opening, closing = '{', '}'
	}
	p.dst = append(p.dst, opening)
	for i := range c.count {
		if i > 0 {
			p.dst = append(p.dst, ", "...)
		}
		if c.object {
			key, err := c.key(i)
			if err != nil {
				return err
			}
			if p.dst, err = appendString(p.dst, key); err != nil {
				return err
			}
			p.dst = append(p.dst, ": "...)
		}
		member, err := c.value(i)
		if err != nil {
			return err
		}
		if err := p.value(member, depth+1); err != nil {
			return err
		}
	}
	p.dst = append(p.dst, closing)
	return nil
}

// sizes are the bytes of a scalar of fixed size.
var sizes = [...]int{literal: 1, int16Type: 2, uint16Type: 2, int32Type: 4, uint32Type: 4, int64Type: 8, uint64Type: 8, doubleType: 8, opaqueType: 2}

func appendScalar(dst []byte, v value) ([]byte, error) {
	b := v.data
	if int(v.kind) < len(sizes) && len(b) < sizes[v.kind] {
		return dst, errCut
	}
	switch v.kind {
	case literal:
		switch b[0] {
		case 0:
			return append(dst, "null"...), nil
		case 1:
			return append(dst, "true"...), nil
		case 2:
			return append(dst, "false"...), nil
		}
		return dst, fmt.Errorf("a JSON document has a literal %d", b[0])
	case int16Type:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(b))), 10), nil
	case uint16Type:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(b)), 10), nil
	case int32Type:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(b))), 10), nil
	case uint32Type:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10), nil
	case int64Type:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(b)), 10), nil
	case uint64Type:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(b), 10), nil
	case doubleType:
		return appendDouble(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case stringType:
		text, err := variable(b)
		if err != nil {
			return dst, err
		}
		return appendString(dst, text)
	case opaqueType:
		content, err := variable(b[1:])
		if err != nil {
			return dst, err
		}
		return appendOpaque(dst, b[0], content)
	}
	return dst, fmt.Errorf("a JSON document has a value of type %d", v.kind)
}

// appendDouble marks a whole number as a double: 1.0.
func appendDouble(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, fmt.Errorf("%v is no number of JSON", f)
	}
	at := len(dst)
	dst = change.AppendDouble(dst, f, 64)
	for _, b := range dst[at:] {
		if b == '.' || b == 'e' {
			return dst, nil
		}
	}
	return append(dst, ".0"...), nil
}

func appendString(dst, text []byte) ([]byte, error) {
	const hex = "0123456789abcdef"
	if !utf8.Valid(text) {
		return dst, errors.New("a JSON document has a string that is not UTF-8")
	}
	dst = append(dst, '"')
	for _, b := range text {
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			if b < ' ' {
				dst = append(dst, `\u00`...)
				b, dst = hex[b&15], append(dst, hex[b>>4])
			}
			dst = append(dst, b)
		}
	}
	return append(dst, '"'), nil
}

// Types of columns that an opaque value can be of; others are printed as base64.
const (
	typeTimestamp = 7
	typeDate      = 10
	typeTime      = 11
	typeDateTime  = 12
	typeDecimal   = 246
)

func appendOpaque(dst []byte, kind byte, b []byte) ([]byte, error) {
	switch kind {
	case typeDecimal:
		if len(b) < 2 {
			return dst, errCut
		}
		return number.AppendDecimal(dst, b[2:], int(b[0]), int(b[1]))
	case typeTimestamp, typeDate, typeTime, typeDateTime:
		if len(b) != 8 {
			return dst, errCut
		}
		return appendTemporal(dst, kind, int64(binary.LittleEndian.Uint64(b))), nil
	}
	dst = append(dst, `"base64:type`...)
	dst = append(strconv.AppendUint(dst, uint64(kind), 10), ':')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"'), nil
}

// appendTemporal takes MySQL's packed number apart: 24 bits of microseconds, then second 6, minute 6, hour 5 (a time 10), day 5,
// and 13 times the year and the month.
func appendTemporal(dst []byte, kind byte, packed int64) []byte {
	negative := packed < 0
	n := uint64(packed)
	if negative {
		n = -n
	}
	micro, n := n&(1<<24-1), n>>24
	second, minute := n&63, n>>6&63
	dst = append(dst, '"')
	switch {
	case kind == typeTime:
		if negative {
			dst = append(dst, '-')
		}
		dst = appendClock(dst, n>>12&1023, minute, second, micro)
	default:
		day, month := n>>17&31, n>>22
		dst = append(appendPadded(dst, month/13, 4), '-')
		dst = append(appendPadded(dst, month%13, 2), '-')
		dst = appendPadded(dst, day, 2)
		if kind != typeDate {
			dst = appendClock(append(dst, ' '), n>>12&31, minute, second, micro)
		}
	}
	return append(dst, '"')
}

func appendClock(dst []byte, hour, minute, second, micro uint64) []byte {
	dst = append(appendPadded(dst, hour, 2), ':')
	dst = append(appendPadded(dst, minute, 2), ':')
	dst = append(appendPadded(dst, second, 2), '.')
	return appendPadded(dst, micro, 6)
}

func appendPadded(dst []byte, n uint64, width int) []byte {
	var text [20]byte
	digits := strconv.AppendUint(text[:0], n, 10)
	for range width - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
