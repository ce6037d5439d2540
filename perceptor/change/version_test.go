package change

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// someVersion makes versions of few values, so that all parts are often equal, and of large ones.
func someVersion(r *rand.Rand) Version {
	small := func(n uint64, large uint64) uint64 {
		if r.IntN(4) == 0 {
			return large - r.Uint64N(3)
		}
		return r.Uint64N(n)
	}
	return Version{
		Epoch: uint32(small(3, 1<<32-1)), ExecuteTime: int64(small(3, 1<<63-1)),
		Position: Position{File: uint32(small(3, 1<<32-1)), Offset: small(3, 1<<64-1), Row: uint32(small(3, 1<<32-1))},
	}
}

func (v Version) bytes() []byte {
	return v.Position.Append(v.AppendExecuteTime(v.AppendEpoch(nil)))
}

// HBase compares bytes: they have to say what Compare says.
func TestBytesOrderAsVersions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	equal := 0
	for range 100_000 {
		v, w := someVersion(r), someVersion(r)
		order := v.Compare(w)
		if order == 0 {
			equal++
		}
		if got := bytes.Compare(v.bytes(), w.bytes()); got != order {
			t.Fatalf("%s and %s: Compare says %d, the bytes say %d", v, w, order, got)
		}
		if w.Compare(v) != -order {
			t.Fatalf("%s and %s: not the same the other way round", v, w)
		}
	}
	if equal == 0 {
		t.Fatal("no two versions were equal")
	}
}

func TestBytesKeepTheVersion(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		v := someVersion(r)
		epoch, err1 := ParseEpoch(v.AppendEpoch(nil))
		at, err2 := ParseExecuteTime(v.AppendExecuteTime(nil))
		pos, err3 := ParsePosition(v.Position.Append(nil))
		if got := (Version{Epoch: epoch, ExecuteTime: at, Position: pos}); got != v || err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("%s came back as %s (%v, %v, %v)", v, got, err1, err2, err3)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(Version{Epoch: 1, ExecuteTime: 2}.AppendExecuteTime(nil))
	f.Add(Position{File: 1, Offset: 2, Row: 3}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if epoch, err := ParseEpoch(b); err == nil && !bytes.Equal(Version{Epoch: epoch}.AppendEpoch(nil), b) {
			t.Errorf("epoch %d is not %x", epoch, b)
		}
		if at, err := ParseExecuteTime(b); err == nil && !bytes.Equal(Version{ExecuteTime: at}.AppendExecuteTime(nil), b) {
			t.Errorf("time %d is not %x", at, b)
		}
		if pos, err := ParsePosition(b); err == nil && !bytes.Equal(pos.Append(nil), b) {
			t.Errorf("position %s is not %x", pos, b)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	if _, err := ParseExecuteTime([]byte("2024-01-31 10:00:00")); err == nil {
		t.Error("a text was read as an execute time")
	}
	if _, err := ParseExecuteTime(bytes.Repeat([]byte{0xff}, 8)); err == nil {
		t.Error("a negative execute time was read")
	}
	if (Version{ExecuteTime: -1}).Check() == nil {
		t.Error("a negative execute time passed")
	}
}

// A statement that waited for a lock carries an older time than the one it waited for, and is committed later.
func TestClockOnlyGrows(t *testing.T) {
	var c Clock
	for i, step := range []struct{ event, want int64 }{{1000, 1000}, {3000, 3000}, {2000, 3000}, {3000, 3000}, {4000, 4000}, {0, 4000}} {
		if got := c.Next(step.event); got != step.want {
			t.Errorf("event %d with time %d: %d, not %d", i, step.event, got, step.want)
		}
	}
	if again := ClockAt(c.Last()); again.Next(5) != 4000 {
		t.Error("a clock that goes on has forgotten")
	}
}
