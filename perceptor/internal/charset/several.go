package charset

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/transform"
)

// several is a charset of one to four bytes a character. The tables are those of golang.org/x/text, and where the server's
// are others, exceptions: a map from the bytes, as a number, to the character.
type several struct {
	// decoder has no state: it is only asked for one character.
	decoder transform.Transformer
	// threeBytes is the byte that three-byte characters begin with, 0 if there are none.
	threeBytes byte
	// fourBytes: a digit as the second byte makes a character of four bytes, as in GB18030.
	fourBytes bool
	// oneByte are the bytes above 0x7f that are characters by themselves.
	oneByte    func(b byte) bool
	exceptions map[uint32]rune
}

var severalByte = map[string]*several{
	"big5":    {decoder: tables(traditionalchinese.Big5), exceptions: big5Exceptions},
	"gb2312":  {decoder: tables(simplifiedchinese.GBK), exceptions: map[uint32]rune{0xa1a4: 0x30fb, 0xa1aa: 0x2015}},
	"gbk":     {decoder: tables(simplifiedchinese.GBK)},
	"gb18030": {decoder: tables(simplifiedchinese.GB18030), fourBytes: true},
	"euckr":   {decoder: tables(korean.EUCKR)},
	"sjis":    {decoder: tables(japanese.ShiftJIS), oneByte: halfWidth, exceptions: jisExceptions(0x815f, 0x8160, 0x8161, 0x817c, 0x8191, 0x8192, 0x81ca)},
	"cp932":   {decoder: tables(japanese.ShiftJIS), oneByte: halfWidth, exceptions: privateUse(nil, 0xf0, 0xf9, 0xe000, shiftJISTrail)},
	"ujis":    {decoder: tables(japanese.EUCJP), threeBytes: 0x8f, exceptions: eucPrivateUse(jisExceptions(0xa1c0, 0xa1c1, 0xa1c2, 0xa1dd, 0xa1f1, 0xa1f2, 0xa2cc, 0x8fa2b7))},
	"eucjpms": {decoder: tables(japanese.EUCJP), threeBytes: 0x8f, exceptions: eucPrivateUse(eucJPMS)},
}

func tables(e encoding.Encoding) transform.Transformer { return e.NewDecoder().Transformer }

func halfWidth(b byte) bool { return b >= 0xa1 && b <= 0xdf }

// jisExceptions are the seven characters of JIS X 0208, and the tilde of JIS X 0212, that Microsoft's tables have in another place.
func jisExceptions(codes ...uint32) map[uint32]rune {
	m := make(map[uint32]rune, len(codes))
	for i, r := range []rune{'\\', 0x301c, 0x2016, 0x2212, 0xa2, 0xa3, 0xac, '~'}[:len(codes)] {
		m[codes[i]] = r
	}
	return m
}

// privateUse adds the rows of characters that users define, which are Unicode's private use area.
func privateUse(m map[uint32]rune, first, last uint32, r rune, trail func(b uint32) bool) map[uint32]rune {
	if m == nil {
		m = make(map[uint32]rune)
	}
	for lead := first; lead <= last; lead++ {
		for b := range uint32(256) {
			if trail(b) {
				m[lead<<8|b] = r
				r++
			}
		}
	}
	return m
}

func eucPrivateUse(m map[uint32]rune) map[uint32]rune {
	m = privateUse(m, 0xf5, 0xfe, 0xe000, eucTrail)
	return privateUse(m, 0x8ff5, 0x8ffe, 0xe3ac, eucTrail)
}

func shiftJISTrail(b uint32) bool { return b >= 0x40 && b <= 0xfc && b != 0x7f }

func eucTrail(b uint32) bool { return b >= 0xa1 && b <= 0xfe }

func (c *Charset) appendSeveral(dst, text []byte) ([]byte, error) {
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			dst = append(dst, text[0])
			text = text[1:]
			continue
		}
		n := c.several.length(text)
		if n > len(text) {
			return dst, c.broken(text)
		}
		code := uint32(0)
		for _, b := range text[:n] {
			code = code<<8 | uint32(b)
		}
		if r, ok := c.several.exceptions[code]; ok {
			dst = utf8.AppendRune(dst, r)
			text = text[n:]
			continue
		}
		// A decoder writes three bytes of UTF-8 at least before it says that there is no room.
		at := len(dst)
		dst = slices.Grow(dst, 2*utf8.UTFMax)
		written, read, err := c.several.decoder.Transform(dst[at:at+2*utf8.UTFMax], text[:n], true)
		if err != nil || read != n {
			return dst, c.broken(text)
		}
		dst = dst[:at+written]
		if r, _ := utf8.DecodeRune(dst[at:]); r == utf8.RuneError {
			return dst[:at], c.broken(text)
		}
		text = text[n:]
	}
	return dst, nil
}

// length is how many bytes the character has that text begins with.
func (s *several) length(text []byte) int {
	switch {
	case s.oneByte != nil && s.oneByte(text[0]):
		return 1
	case s.threeBytes != 0 && text[0] == s.threeBytes:
		return 3
	case s.fourBytes && len(text) > 1 && text[1] >= '0' && text[1] <= '9':
		return 4
	}
	return 2
}
