package charset

import (
	"testing"
	"unicode/utf8"
)

// Some of each kind. Every character of every charset is compared with MariaDB's own conversion by the tests on a real server.
func TestAppend(t *testing.T) {
	for _, c := range []struct{ charset, text, want string }{
		{"utf8mb4", "ü𝄞", "ü𝄞"}, {"utf8", "ü", "ü"}, {"ascii", "a", "a"}, {"binary", "\xff", "\xff"},
		{"latin1", "\x80\x81\xfc", "€\u0081ü"}, {"cp1251", "\xcf", "П"}, {"swe7", "[{", "Ää"}, {"koi8r", "\xc1", "а"},
		{"ucs2", "\x20\xac", "€"}, {"utf16", "\xd8\x34\xdd\x1e", "𝄞"}, {"utf16le", "\x34\xd8\x1e\xdd", "𝄞"}, {"utf32", "\x00\x01\xd1\x1e", "𝄞"},
		{"gbk", "a\xc4\xe3", "a你"}, {"gb18030", "\x81\x30\x81\x30\xc4\xe3", "\u0080你"}, {"big5", "\xa7\x41", "你"}, {"sjis", "\x82\xa0\xb1\x81\x5f", "あｱ\\"},
		{"cp932", "\x81\x5f\xf0\x40", "＼\ue000"}, {"ujis", "\xa4\xa2\x8e\xb1\x8f\xa2\xb7", "あｱ~"}, {"eucjpms", "\x8f\xf3\xf3", "ⅰ"}, {"euckr", "\xb0\xa1", "가"},
	} {
		set, ok := Named(c.charset)
		if !ok {
			t.Errorf("%s is not known", c.charset)
			continue
		}
		if got, err := set.Append([]byte("> "), []byte(c.text)); string(got) != "> "+c.want || err != nil {
			t.Errorf("%s % x: %q, not %q; %v", c.charset, c.text, got, c.want, err)
		}
	}
}

func TestBrokenTexts(t *testing.T) {
	for _, c := range []struct{ charset, text string }{
		{"utf8mb4", "\xff"}, {"utf8mb4", "\xed\xa0\x80"}, {"cp1257", "\xa1"}, {"ucs2", "\xd8\x34"}, {"ucs2", "a"}, {"utf16", "\xd8\x34\x00\x41"}, {"utf16", "\xdd\x1e"}, {"utf16", "\xd8\x34"},
		{"utf32", "\x00\x11\x00\x00"}, {"utf32", "\x00\x00\xd8\x00"}, {"utf32", "\x00"}, {"gbk", "\xc4"}, {"sjis", "\x82"}, {"ujis", "\x8f\xa2"}, {"gb18030", "\x81\x30\x81"}, {"big5", "\xff\xff"},
	} {
		set, _ := Named(c.charset)
		if got, err := set.Append(nil, []byte(c.text)); err == nil {
			t.Errorf("%s % x: %q", c.charset, c.text, got)
		}
	}
}

func TestOfCollation(t *testing.T) {
	for id, want := range map[uint16]string{8: "latin1", 33: "utf8mb3", 45: "utf8mb4", 63: "binary", 255: "utf8mb4", 305: "utf8mb4", 248: "gb18030", 576: "utf8mb3", 1032: "latin1", 1070: "utf8mb4", 2304: "utf8mb4", 3271: "utf32"} {
		if set, ok := OfCollation(id); !ok || set.Name != want {
			t.Errorf("%d is %+v", id, set)
		}
	}
	for _, id := range []uint16{0, 17, 127, 710, 40_000} {
		if set, ok := OfCollation(id); ok {
			t.Errorf("%d is %s", id, set.Name)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x82\xa0\x82"))
	f.Add([]byte("\x81\x30\x81\x30"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, set := range charsets {
			got, err := set.Append(nil, text)
			if err == nil && !set.IsBinary() && !utf8.Valid(got) {
				t.Errorf("%s % x became % x", name, text, got)
			}
			if len(got) > 8*len(text)+8 {
				t.Errorf("%s: %d bytes became %d", name, len(text), len(got))
			}
		}
	})
}
