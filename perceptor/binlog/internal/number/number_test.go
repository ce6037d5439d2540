package number

import "testing"

func TestDecimalRefuses(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {66, 0}, {5, 6}, {5, -1}, {65, 39}} {
		if _, err := DecimalSize(c[0], c[1]); err == nil {
			t.Errorf("there is a DECIMAL(%d,%d)", c[0], c[1])
		}
	}
	if got, err := AppendDecimal(nil, []byte{0x80 | 11}, 1, 0); err == nil {
		t.Errorf("11 is a digit: %s", got)
	}
	if got, err := AppendDecimal(nil, []byte{0x80, 0}, 1, 0); err == nil {
		t.Errorf("two bytes are a digit: %s", got)
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add([]byte{0x7f, 0x11, 0xea, 0xf8, 0x69, 0x7a}, 20, 6)
	f.Fuzz(func(t *testing.T, b []byte, precision, scale int) {
		text, err := AppendDecimal(nil, b, precision, scale)
		if err != nil {
			return
		}
		if len(text) > precision+3 {
			t.Errorf("a DECIMAL(%d,%d) is %s", precision, scale, text)
		}
	})
}
