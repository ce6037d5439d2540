package number

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// What MariaDB 10.11 shows for these, asked of it.
func TestDoubles(t *testing.T) {
	for _, c := range []struct {
		f    float64
		text string
	}{
		{0, "0"}, {1, "1"}, {-1.5, "-1.5"}, {0.1, "0.1"}, {1e14, "100000000000000"}, {1e15, "1e15"}, {123456789012345680, "1.2345678901234568e17"},
		{123456789012345.6, "123456789012345.6"}, {1e-15, "0.000000000000001"}, {1e-16, "1e-16"}, {1.5e-16, "1.5e-16"}, {math.MaxFloat64, "1.7976931348623157e308"},
		{5e-324, "5e-324"}, {-2.2250738585072014e-308, "-2.2250738585072014e-308"}, {0.001, "0.001"}, {12345.678, "12345.678"},
	} {
		if got, err := AppendDouble(nil, c.f); string(got) != c.text || err != nil {
			t.Errorf("%v: %s, not %s; %v", c.f, got, c.text, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got, err := AppendDouble(nil, f); err == nil {
			t.Errorf("%v: %s", f, got)
		}
	}
}

func TestDoublesMeanTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := math.Float64frombits(r.Uint64())
		if r.IntN(2) == 0 {
			f = (r.Float64() - 0.5) * math.Pow10(r.IntN(40)-20)
		}
		got, err := AppendDouble(nil, f)
		if err != nil {
			continue
		}
		if back, err := strconv.ParseFloat(string(got), 64); back != f || err != nil {
			t.Fatalf("%v: %s", f, got)
		}
	}
}

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
