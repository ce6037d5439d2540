package hbase

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// plainDecimal is a decimal without the zeros that do not count.
func plainDecimal(s string) string {
	s, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(s, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole
}

// A key tells the values that it was made of, in either format, whatever stands beside what.
func TestKeysAreReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	some := []func() (change.Value, string){
		func() (change.Value, string) {
			v := change.IntValue(r.Int64() >> r.IntN(64) * int64(1-2*r.IntN(2)))
			return v, v.String()
		},
		func() (change.Value, string) { v := change.UintValue(r.Uint64() >> r.IntN(64)); return v, v.String() },
		func() (change.Value, string) {
			s := someDecimal(r)
			return change.DecimalValue([]byte(s)), plainDecimal(s)
		},
		func() (change.Value, string) { s := someText(r); return change.TextValue(s), string(s) },
		func() (change.Value, string) { s := someText(r); return change.BytesValue(s), string(s) },
		func() (change.Value, string) {
			v := change.DoubleValue([]float64{1, 1.5, 1e300, 5e-324}[r.IntN(4)] * float64(1-2*r.IntN(2)))
			return v, v.String()
		},
		func() (change.Value, string) {
			v := change.DateValue(r.IntN(10000), r.IntN(13), r.IntN(32))
			return v, v.String()
		},
		func() (change.Value, string) {
			v := change.DateTimeValue(r.IntN(10000), r.IntN(13), r.IntN(32), r.Int64N(86400e6))
			return v, v.String()
		},
		func() (change.Value, string) {
			v := change.TimeValue(r.Int64N(838*3600e6) * int64(1-2*r.IntN(2)))
			return v, v.String()
		},
		func() (change.Value, string) {
			v := change.TimestampValue(r.Int64N(1 << 50))
			return v, v.String()
		},
	}
	for range 20_000 {
		n := 1 + r.IntN(3)
		row, want, key := make(change.Row, n), make([]string, n), make([]int, n)
		exact := make([]string, n)
		for i := range row {
			row[i], want[i] = some[r.IntN(len(some))]()
			exact[i], key[i] = row[i].String(), i
		}
		for _, f := range []KeyFormat{KeyText, KeyBytes} {
			made, err := f.appendKey(nil, row, key)
			if err != nil {
				continue // an empty text
			}
			got, err := f.texts(made, n)
			if err != nil {
				t.Fatalf("%q of %q: %v", made, exact, err)
			}
			for i := range got {
				told := want[i]
				if f == KeyText {
					told = exact[i]
				}
				if string(got[i]) != told {
					t.Fatalf("%q of %q: part %d is %q", made, exact, i, got[i])
				}
			}
		}
	}
}

// Whatever the bytes are, they are a key or an error.
func FuzzKeyTexts(f *testing.F) {
	f.Add([]byte("1|2"), 2)
	f.Add([]byte{kindDecimalMinus, 0x7f, 0xff, 0xff, 0xfe, 0xce, 0xff}, 1)
	f.Fuzz(func(t *testing.T, key []byte, n int) {
		for _, format := range []KeyFormat{KeyText, KeyBytes} {
			if parts, err := format.texts(key, n&7); err == nil && len(parts) != n&7 {
				t.Errorf("%d parts", len(parts))
			}
		}
	})
}

// What a key is made of comes back, whatever stands beside what; and a key that differs by one byte is not taken for the same.
func FuzzKeysAreReadBack(f *testing.F) {
	f.Add([]byte("a|"), []byte("\\b"), int64(-1), uint64(1))
	f.Add([]byte("\x00\xff"), []byte("\x00\x01"), int64(1<<62), uint64(1<<63))
	f.Fuzz(func(t *testing.T, text, raw []byte, whole int64, large uint64) {
		row := change.Row{change.TextValue(text), change.IntValue(whole), change.BytesValue(raw), change.UintValue(large), change.TimeValue(whole % 3_020_399_000_000), change.BitsValue(large)}
		for _, key := range [][]int{{0}, {0, 1}, {2, 0}, {3, 2, 1}, {4, 0, 5}} {
			for _, format := range []KeyFormat{KeyText, KeyBytes} {
				made, err := format.appendKey(nil, row, key)
				if err != nil {
					continue // an empty text
				}
				got, err := format.texts(made, len(key))
				if err != nil {
					t.Fatalf("%q: %v", made, err)
				}
				for i, column := range key {
					if string(got[i]) != row[column].String() {
						t.Fatalf("part %d of %q is %q, not %q", i, made, got[i], row[column])
					}
				}
			}
		}
	})
}
