package hbase

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// someText likes what a codec of keys could stumble over.
func someText(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(4))
	for i := range b {
		b[i] = "\x00\x01\xff|\\a\x30"[r.IntN(7)]
	}
	return b
}

func someDecimal(r *rand.Rand) string {
	s := fmt.Sprintf("%0*d.%s", 1+r.IntN(3), []int{0, 1, 9, 10, 12, 99, 100}[r.IntN(7)], []string{"0", "00", "01", "1", "10", "5"}[r.IntN(6)])
	if r.IntN(2) == 0 {
		return "-" + s
	}
	return s
}

// Each kind of column: bytes are ordered as values are, alone and in front of another column.
func TestKeyBytesOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	whole := func() (change.Value, float64) {
		n := r.Int64N(7) - 3
		if r.IntN(3) == 0 {
			n *= 1 << 40
		}
		if n >= 0 && r.IntN(2) == 0 {
			return change.UintValue(uint64(n)), float64(n)
		}
		return change.IntValue(n), float64(n)
	}
	for what, some := range map[string]func() (change.Value, float64){
		"whole numbers": whole,
		"doubles": func() (change.Value, float64) {
			f := []float64{0, 1, 1.5, 1e300, 1e-300}[r.IntN(5)] * float64(1-2*r.IntN(2))
			return change.DoubleValue(f), f
		},
		"decimals": func() (change.Value, float64) {
			s := someDecimal(r)
			var f float64
			_, _ = fmt.Sscan(s, &f)
			return change.DecimalValue([]byte(s)), f
		},
		"dates": func() (change.Value, float64) {
			y, m, d := r.IntN(3)*4000, r.IntN(13), r.IntN(32)
			return change.DateValue(y, m, d), float64(y*1000 + m*40 + d)
		},
		"times": func() (change.Value, float64) {
			n := (r.Int64N(7) - 3) << (8 * r.IntN(4))
			return change.TimeValue(n), float64(n)
		},
		"datetimes": func() (change.Value, float64) {
			d, us := 1+r.IntN(3), r.Int64N(3)*43_000_000_000
			return change.DateTimeValue(2024, 1, d, us), float64(d)*86_400_000_000 + float64(us)
		},
	} {
		equal := 0
		for range 20_000 {
			v, x := some()
			w, y := some()
			other := func() change.Value { n, _ := whole(); return n }
			a, err1 := KeyBytes.appendKey(nil, change.Row{v, other()}, []int{0, 1})
			b, err2 := KeyBytes.appendKey(nil, change.Row{w, other()}, []int{0, 1})
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if order := cmp.Compare(x, y); order != 0 && bytes.Compare(a, b) != order {
				t.Fatalf("%s: %s and %s: %x and %x", what, v, w, a, b)
			}
			a, _ = KeyBytes.appendKey(nil, change.Row{v}, []int{0})
			b, _ = KeyBytes.appendKey(nil, change.Row{w}, []int{0})
			if bytes.Compare(a, b) != cmp.Compare(x, y) {
				t.Fatalf("%s: %s and %s: %x and %x", what, v, w, a, b)
			}
			if x == y {
				equal++
			}
		}
		if equal == 0 {
			t.Errorf("%s: no two were equal", what)
		}
	}
	for range 50_000 {
		a1, a2, b1, b2 := someText(r), someText(r), someText(r), someText(r)
		a, _ := KeyBytes.appendKey(nil, change.Row{change.TextValue(a1), change.TextValue(a2)}, []int{0, 1})
		b, _ := KeyBytes.appendKey(nil, change.Row{change.TextValue(b1), change.TextValue(b2)}, []int{0, 1})
		if bytes.Compare(a, b) != cmp.Or(bytes.Compare(a1, b1), bytes.Compare(a2, b2)) {
			t.Fatalf("texts (%q, %q) and (%q, %q): %x and %x", a1, a2, b1, b2, a, b)
		}
	}
}

// Two keys are the same only if all their columns are.
func FuzzKeysDoNotCollide(f *testing.F) {
	f.Add([]byte("a|"), []byte("b"), []byte("a"), []byte("|b"), int64(1), int64(1))
	f.Add([]byte("a\\"), []byte("|b"), []byte("a\\|"), []byte("b"), int64(1), int64(-1))
	f.Add([]byte("\x00\x01"), []byte(""), []byte(""), []byte("\x00\x01"), int64(1), int64(256))
	f.Add([]byte("\x00"), []byte("\xff"), []byte("\x00\xff"), []byte(""), int64(1), int64(1))
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 []byte, a3, b3 int64) {
		for _, format := range []KeyFormat{KeyText, KeyBytes} {
			for _, key := range [][]int{{0}, {0, 1}, {0, 2}, {2, 0, 1}, {1, 0, 2}} {
				rowA := change.Row{change.TextValue(a1), change.BytesValue(a2), change.IntValue(a3)}
				rowB := change.Row{change.TextValue(b1), change.BytesValue(b2), change.IntValue(b3)}
				a, err1 := format.appendKey(nil, rowA, key)
				b, err2 := format.appendKey(nil, rowB, key)
				same := true
				for _, i := range key {
					same = same && rowA[i].Equal(rowB[i])
				}
				if err1 == nil && err2 == nil && bytes.Equal(a, b) != same {
					t.Errorf("format %d, columns %v: %v and %v: %x and %x", format, key, rowA, rowB, a, b)
				}
			}
		}
	})
}

func TestKeyRefuses(t *testing.T) {
	for _, test := range []struct {
		format KeyFormat
		value  change.Value
		says   string
	}{
		{KeyText, change.TextValue(nil), "empty text"},
		{KeyText, change.TextValue(make([]byte, 1<<15)), "larger than HBase takes"},
		{KeyBytes, change.TextValue(make([]byte, 1<<15)), "larger than HBase takes"},
		{KeyBytes, change.DecimalValue([]byte("1e5")), "not a decimal number"},
		{KeyBytes, change.DecimalValue([]byte("-")), "not a decimal number"},
		{KeyBytes, change.NullValue(), "NULL"},
	} {
		if _, err := test.format.appendKey(nil, change.Row{test.value}, []int{0}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, not %q", test.says, err, test.says)
		}
	}
}

// The salt depends on nothing but the key, and spreads.
func TestSalt(t *testing.T) {
	used := map[byte]int{}
	for i := range 1000 {
		key := fmt.Appendf([]byte{0}, "key %d", i)
		again := bytes.Clone(key)
		a, b := salted(key, 16), salted(again, 16)
		if !bytes.Equal(a, b) || a[0] >= 16 {
			t.Fatalf("%x and %x", a, b)
		}
		used[a[0]]++
		if plain := salted(fmt.Appendf([]byte{0}, "key %d", i), 0); string(plain) != fmt.Sprintf("key %d", i) {
			t.Fatalf("without salt: %q", plain)
		}
	}
	for bucket := range byte(16) {
		if used[bucket] < 30 {
			t.Errorf("bucket %d has %d of 1000 keys", bucket, used[bucket])
		}
	}
}
