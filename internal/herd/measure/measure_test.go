package measure

import (
	"math/rand/v2"
	"testing"
	"time"
)

const second = time.Second

// TestFigures measures histories whose figures are counted by hand.
func TestFigures(t *testing.T) {
	start := func(at time.Duration, member int, p int32) Event {
		return Event{At: at * second, Member: member, Kind: Started, Partition: p}
	}
	stop := func(at time.Duration, member int, p int32) Event {
		return Event{At: at * second, Member: member, Kind: Stopped, Partition: p}
	}
	read := func(at time.Duration, member int, p int32, from, to int64) Event {
		return Event{At: at * second, Member: member, Kind: Read, Partition: p, Offset: from, End: to}
	}
	for _, c := range []struct {
		name     string
		events   []Event
		from, to time.Duration
		want     Figures
	}{
		{"nobody ever", nil, 0, 10, Figures{NoOwner: 20 * second}},
		{"two members join", []Event{start(2, 1, 0), start(2, 1, 1), stop(4, 1, 1), start(5, 2, 1)}, 0, 10,
			Figures{Stable: true, StableAfter: 5 * second, NoOwner: (2 + 2 + 1) * second}},
		{"the part before counts for who reads", []Event{start(2, 1, 0), start(2, 1, 1), stop(4, 1, 1), start(5, 2, 1)}, 3, 10,
			Figures{Stable: true, StableAfter: 2 * second, NoOwner: 1 * second}},
		{"the part after does not", []Event{start(0, 1, 0), start(0, 1, 1), stop(4, 1, 1)}, 1, 4, Figures{Stable: true}},
		{"split brain: the old reader goes on for three seconds", []Event{start(0, 1, 0), start(0, 1, 1), start(4, 2, 1), read(6, 2, 1, 40, 60),
			read(7, 1, 1, 0, 70), stop(7, 1, 1)}, 0, 10, Figures{Stable: true, StableAfter: 7 * second, TwoOwners: 3 * second, Doubled: 20}},
		{"one with two streams on a partition is one reader", []Event{start(0, 1, 0), start(0, 1, 1), start(1, 1, 1), stop(2, 1, 1)}, 0, 3,
			Figures{Stable: true, StableAfter: 2 * second}},
		{"a partition stays without a reader", []Event{start(0, 1, 0), start(0, 1, 1), stop(4, 1, 1)}, 0, 10, Figures{StableAfter: 4 * second, NoOwner: 6 * second}},
		{"read twice, three times, and in parts", []Event{start(0, 1, 0), start(0, 1, 1), read(1, 1, 0, 0, 10), read(2, 2, 0, 5, 15), read(3, 3, 0, 5, 8), read(4, 4, 0, 20, 30),
			read(5, 5, 0, 0, 40)}, 0, 10, Figures{Stable: true, Doubled: 5 + 3 + 15 + 10}},
		{"what was read before counts", []Event{start(0, 1, 0), start(0, 1, 1), read(1, 1, 0, 0, 10), read(5, 2, 0, 0, 10)}, 5, 10, Figures{Stable: true, Doubled: 10}},
		{"counts", []Event{start(0, 1, 0), start(0, 1, 1), {At: second, Kind: Asked}, {At: second, Kind: Asked}, {At: second, Kind: Notified}, {At: 2 * second, Kind: Collided},
			{At: 2 * second, Kind: Failed}, {At: 9 * second, Kind: Failed}}, 1, 9, Figures{Stable: true, Requests: 2, Notifications: 1, Collisions: 1, Failed: 1}},
	} {
		h := History{Partitions: 2, Events: c.events}
		h.Sort()
		if got := h.Figures(c.from*second, c.to*second); got != c.want {
			t.Errorf("%s: %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// TestSpans compares with a set that has every offset by itself.
func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s spans
		plain := map[int64]bool{}
		for range 30 {
			from := r.Int64N(60)
			to := from + r.Int64N(12)
			want := int64(0)
			for o := from; o < to; o++ {
				if plain[o] {
					want++
				}
				plain[o] = true
			}
			if got := s.add(from, to); got != want {
				t.Fatalf("%d to %d: %d were there, not %d; %v", from, to, got, want, s)
			}
			n := int64(0)
			for i, span := range s {
				n += span[1] - span[0]
				if i > 0 && span[0] <= s[i-1][1] {
					t.Fatalf("ranges touch: %v", s)
				}
			}
			if n != int64(len(plain)) {
				t.Fatalf("%d offsets, not %d: %v", n, len(plain), s)
			}
		}
	}
}
