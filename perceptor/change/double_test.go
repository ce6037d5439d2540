package change

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
		{5e-324, "5e-324"}, {-2.2250738585072014e-308, "-2.2250738585072014e-308"}, {0.001, "0.001"}, {1724893661901023.5, "1724893661901023.5"}, {12345.678, "12345.678"},
	} {
		if got := AppendDouble(nil, c.f, 64); string(got) != c.text {
			t.Errorf("%v: %s, not %s", c.f, got, c.text)
		}
	}
	if got := AppendDouble(nil, float64(float32(0.1)), 32); string(got) != "0.1" {
		t.Errorf("a FLOAT of 0.1 is %s", got)
	}
}

func TestDoublesMeanTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := math.Float64frombits(r.Uint64())
		if r.IntN(2) == 0 {
			f = (r.Float64() - 0.5) * math.Pow10(r.IntN(40)-20)
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		got := AppendDouble(nil, f, 64)
		if back, err := strconv.ParseFloat(string(got), 64); back != f || err != nil {
			t.Fatalf("%v: %s", f, got)
		}
	}
}
