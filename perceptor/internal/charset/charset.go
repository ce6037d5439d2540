package charset

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Charset is one charset. Nobody changes it.
type Charset struct {
	// Name is MySQL's.
	Name string
	// CharacterBytesMax is how long a character can be.
	CharacterBytesMax int

	kind    kind
	runes   []rune // of one byte a character
	several *several
}

type kind uint8

const (
	utf8Text kind = iota
	singleBytes
	severalBytes
	ucs2
	utf16
	utf16le
	utf32
	noCharset
)

var charsets = make(map[string]*Charset)

// Binary is the charset of what is bytes and not text.
var Binary = &Charset{Name: "binary", CharacterBytesMax: 1, kind: noCharset}

func init() {
	for _, c := range []*Charset{
		Binary,
		{Name: "utf8mb4", CharacterBytesMax: 4},
		{Name: "utf8mb3", CharacterBytesMax: 3},
		{Name: "ascii", CharacterBytesMax: 1},
		{Name: "ucs2", CharacterBytesMax: 2, kind: ucs2},
		{Name: "utf16", CharacterBytesMax: 4, kind: utf16},
		{Name: "utf16le", CharacterBytesMax: 4, kind: utf16le},
		{Name: "utf32", CharacterBytesMax: 4, kind: utf32},
	} {
		charsets[c.Name] = c
	}
	charsets["utf8"] = charsets["utf8mb3"]
	for name, text := range singleByte {
		runes := []rune(text)
		if len(runes) == 128 {
			runes = append(make([]rune, 128, 256), runes...)
			for i := range 128 {
				runes[i] = rune(i)
			}
		}
		charsets[name] = &Charset{Name: name, CharacterBytesMax: 1, kind: singleBytes, runes: runes}
	}
	for name, s := range severalByte {
		longest := 2
		if s.threeBytes != 0 {
			longest = 3
		}
		if s.fourBytes {
			longest = 4
		}
		charsets[name] = &Charset{Name: name, CharacterBytesMax: longest, kind: severalBytes, several: s}
	}
}

// Named finds a charset by MySQL's name of it.
func Named(name string) (*Charset, bool) {
	c, ok := charsets[name]
	return c, ok
}

// IsBinary: what is stored has no charset.
func (c *Charset) IsBinary() bool { return c.kind == noCharset }

// IsUTF8: what is stored is UTF-8 already, so it need not be converted, only looked at.
func (c *Charset) IsUTF8() bool { return c.kind == utf8Text }

// Append appends a text in UTF-8.
func (c *Charset) Append(dst, text []byte) ([]byte, error) {
	switch c.kind {
	case noCharset:
		return append(dst, text...), nil
	case utf8Text:
		if !utf8.Valid(text) {
			return dst, fmt.Errorf("a text is not %s: % x", c.Name, shown(text))
		}
		return append(dst, text...), nil
	case singleBytes:
		return c.appendSingle(dst, text)
	case severalBytes:
		return c.appendSeveral(dst, text)
	}
	return c.appendWide(dst, text)
}

// noMeaning is in the tables for a byte that is no character: a number that Unicode has for nothing.
const noMeaning = 0xfffe

func (c *Charset) appendSingle(dst, text []byte) ([]byte, error) {
	for i, b := range text {
		r := c.runes[b]
		if r == noMeaning {
			return dst, c.broken(text[i:])
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

func (c *Charset) appendWide(dst, text []byte) ([]byte, error) {
	for len(text) > 0 {
		r, n := c.wide(text)
		if n == 0 {
			return dst, c.broken(text)
		}
		dst = utf8.AppendRune(dst, r)
		text = text[n:]
	}
	return dst, nil
}

// wide reads one character of two or four bytes. n is 0 if there is none.
func (c *Charset) wide(text []byte) (r rune, n int) {
	if c.kind == utf32 {
		if len(text) < 4 {
			return 0, 0
		}
		v := binary.BigEndian.Uint32(text)
		if v > utf8.MaxRune || !utf8.ValidRune(rune(v)) {
			return 0, 0
		}
		return rune(v), 4
	}
	unit := func(at int) rune {
		if c.kind == utf16le {
			return rune(binary.LittleEndian.Uint16(text[at:]))
		}
		return rune(binary.BigEndian.Uint16(text[at:]))
	}
	if len(text) < 2 {
		return 0, 0
	}
	const high, low, end = 0xd800, 0xdc00, 0xe000
	first := unit(0)
	switch {
	case first < high || first >= end:
		return first, 2
	case c.kind == ucs2 || first >= low || len(text) < 4:
		return 0, 0
	}
	second := unit(2)
	if second < low || second >= end {
		return 0, 0
	}
	return 0x10000 + (first-high)<<10 + (second - low), 4
}

func (c *Charset) broken(rest []byte) error {
	return fmt.Errorf("a text is not %s: no character begins with % x", c.Name, shown(rest))
}

// shown is as much of a text as an error can hold.
func shown(text []byte) []byte { return slices.Clip(text[:min(len(text), 8)]) }
