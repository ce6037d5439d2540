package envelope

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/change"
)

// appendQuoted appends s as a JSON string. What is not UTF-8 is refused by its caller: a replacement character would be
// another value.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// appendLatin1 appends bytes as a JSON string of the characters U+0000 to U+00FF, as Canal does with binary columns.
func appendLatin1(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i, c := range b {
		if c >= utf8.RuneSelf {
			dst = utf8.AppendRune(dst, rune(c))
			continue
		}
		quoted := appendQuoted(dst, b[i:i+1])
		at := len(dst)
		dst = append(quoted[:at], quoted[at+1:len(quoted)-1]...) // without its quotes
	}
	return append(dst, '"')
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendFloat appends the shortest text that is read back as the same number. What is no number in JSON is a string, as
// Java's JSON writers do.
func appendFloat(dst []byte, v change.Value) []byte {
	f, bits := v.Float64(), 64
	if v.Kind == change.Float {
		bits = 32
	}
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, bits)
	for _, c := range dst[at:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...) // a reader without a schema must not take it for a whole number
}
