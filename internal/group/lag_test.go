package group

import (
	"testing"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

func TestLagOf(t *testing.T) {
	for _, c := range []struct {
		committed record.Offset
		ends      Ends
		want      Lag
	}{
		{5, Ends{0, 10}, Lag{Records: 5}},
		{10, Ends{0, 10}, Lag{}},
		{0, Ends{0, 0}, Lag{}},
		{2, Ends{4, 10}, Lag{Records: 6, Lost: 2}},
		{2, Ends{10, 10}, Lag{Lost: 8}},
		{13, Ends{4, 10}, Lag{Beyond: 3}},
	} {
		if got := LagOf(c.committed, c.ends); got != c.want {
			t.Errorf("committed %d, ends %+v: %+v, want %+v", c.committed, c.ends, got, c.want)
		}
	}
	if LagMs(100, 70) != 30 || LagMs(70, 100) != 0 {
		t.Error("30 ms, and 0 for a record from the future, are wanted")
	}
}

// TestLagIsNeverNegative takes any commit and any ends. What is read, lost and beyond adds up to the distance.
func TestLagIsNeverNegative(t *testing.T) {
	r := sim.NewRand(1)
	for range 100_000 {
		start := record.Offset(r.IntN(1000))
		ends := Ends{LogStart: start, HighWatermark: start + record.Offset(r.IntN(1000))}
		committed := record.Offset(r.IntN(3000))
		l := LagOf(committed, ends)
		if l.Records < 0 || l.Lost < 0 || l.Beyond < 0 {
			t.Fatalf("committed %d, ends %+v: %+v", committed, ends, l)
		}
		if got := int64(committed) + l.Records + l.Lost - l.Beyond; got != int64(ends.HighWatermark) {
			t.Fatalf("committed %d, ends %+v: %+v leads to %d", committed, ends, l, got)
		}
	}
}
