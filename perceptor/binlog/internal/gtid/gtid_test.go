package gtid

import (
	"math/rand/v2"
	"strings"
	"testing"
)

var uuid = Source{UUID: [16]byte{0x3e, 0x11, 0xfa, 0x47, 0x71, 0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62}}

func TestSetText(t *testing.T) {
	const id = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	for _, c := range []struct{ in, out string }{
		{"", ""},
		{id + ":1-5", id + ":1-5"},
		{strings.ToUpper(id) + ":5:1-3:4", id + ":1-5"},
		{id + ":1-3:5-7,\n" + id + ":10", id + ":1-3:5-7:10"},
		{id + ":1:3:2", id + ":1-3"},
		{"00000000-0000-0000-0000-000000000001:7, " + id + ":1", "00000000-0000-0000-0000-000000000001:7," + id + ":1"},
		{id + ":1-2:Tag:5-6", id + ":1-2," + id + ":tag:5-6"},
	} {
		s, err := ParseSet(c.in)
		if s.String() != c.out || err != nil {
			t.Errorf("%q: %q, not %q; %v", c.in, s.String(), c.out, err)
		}
	}
	for _, wrong := range []string{"x", id, id + ":", id + ":0", id + ":5-3", id + ":1-9223372036854775807", id[:35] + ":1", id + ":1-x", "zz" + id[2:] + ":1", id + ":9tag:1"} {
		if s, err := ParseSet(wrong); err == nil {
			t.Errorf("%q is %q", wrong, s.String())
		}
	}
}

func (s *Set) has(number uint64) bool {
	for _, src := range s.sources {
		for _, i := range src.intervals {
			if number >= i.first && number < i.end {
				return true
			}
		}
	}
	return false
}

// The set is compared with a list of numbers.
func TestSetIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var s Set
		have := make(map[uint64]bool)
		for range r.IntN(60) {
			first := 1 + r.Uint64N(60)
			last := first + r.Uint64N(1+r.Uint64N(8))
			if err := s.AddRange(uuid, first, last); err != nil {
				t.Fatal(err)
			}
			for n := first; n <= last; n++ {
				have[n] = true
			}
		}
		for n := uint64(1); n < 80; n++ {
			if s.has(n) != have[n] {
				t.Fatalf("%s: %d is %v", s.String(), n, have[n])
			}
		}
		again, err := ParseSet(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%s came back as %s: %v", s.String(), again.String(), err)
		}
		if len(s.sources) == 1 {
			for i, n := range s.sources[0].intervals[1:] {
				if n.first <= s.sources[0].intervals[i].end {
					t.Fatalf("%s: intervals touch", s.String())
				}
			}
		}
	}
}

func TestEncode(t *testing.T) {
	s, err := ParseSet(uuid.String() + ":1-5:9")
	if err != nil {
		t.Fatal(err)
	}
	want := "\x01\x00\x00\x00\x00\x00\x00\x00" + string(uuid.UUID[:]) + "\x02\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00" + "\x09\x00\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00"
	if got := string(s.Encode()); got != want {
		t.Errorf("% x", got)
	}
}

func TestMaria(t *testing.T) {
	m, err := ParseMaria("1-2-3, 0-1-18446744073709551615")
	if m.String() != "0-1-18446744073709551615,1-2-3" || err != nil {
		t.Errorf("%s, %v", m.String(), err)
	}
	m.Add(MariaID{Domain: 1, Server: 9, Sequence: 4})
	if m.String() != "0-1-18446744073709551615,1-9-4" {
		t.Error(m.String())
	}
	for state, want := range map[string]string{
		"0-1-18446744073709551615,1-9-4": "", "0-1-18446744073709551615,1-7-9": "", "0-1-18446744073709551615,1-9-3": "1-9-4", "1-9-4": "0-1-18446744073709551615", "": "0-1-18446744073709551615",
	} {
		if got, err := m.Missing(state); got != want || err != nil {
			t.Errorf("of %q %q is missing, not %q; %v", state, got, want, err)
		}
	}
	for _, wrong := range []string{"x", "1-2", "1-2-3-4", "1-2-x", "4294967296-1-1", "0-1-1,0-2-2"} {
		if m, err := ParseMaria(wrong); err == nil {
			t.Errorf("%q is %q", wrong, m.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7")
	f.Add("0-1-2,3-4-5")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSet(text); err == nil {
			if again, err := ParseSet(s.String()); err != nil || again.String() != s.String() {
				t.Errorf("%q: %q, then %q; %v", text, s.String(), again.String(), err)
			}
		}
		if m, err := ParseMaria(text); err == nil {
			if again, err := ParseMaria(m.String()); err != nil || again.String() != m.String() {
				t.Errorf("%q: %q, then %q; %v", text, m.String(), again.String(), err)
			}
		}
	})
}
