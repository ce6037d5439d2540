package coordinator

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/group"
)

// TestTimers compares the heap with the obvious: a map that is searched.
func TestTimers(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	timers, plain := newTimers(), map[group.TimerKey]group.Instant{}
	keys := make([]group.TimerKey, 50)
	for i := range keys {
		keys[i] = group.TimerKey{Kind: group.SessionTimer, Group: "g", Member: memberName(i)}
	}
	now := group.Instant(0)
	for range 100_000 {
		key := keys[chance.IntN(len(keys))]
		switch chance.IntN(4) {
		case 0:
			timers.apply(group.TimerChange{Key: key, Cancel: true})
			delete(plain, key)
		case 1, 2:
			at := now + group.Instant(chance.IntN(100))
			timers.apply(group.TimerChange{Key: key, At: at})
			plain[key] = at
		default:
			now += group.Instant(chance.IntN(10))
			var due, want []string
			for {
				key, ok := timers.due(now)
				if !ok {
					break
				}
				due = append(due, key.Member)
			}
			for k, at := range plain {
				if at <= now {
					want = append(want, k.Member)
					delete(plain, k)
				}
			}
			slices.Sort(due)
			slices.Sort(want)
			if !slices.Equal(due, want) {
				t.Fatalf("at %d: %v rang, %v were due", now, due, want)
			}
			if at, ok := timers.next(); ok && at <= now {
				t.Fatalf("at %d the next is said to be at %d", now, at)
			}
		}
	}
	if len(timers.byKey) != len(timers.heap) {
		t.Fatalf("%d keys, %d in the heap", len(timers.byKey), len(timers.heap))
	}
}

// TestTimersRingInOrder of their time, then of their making.
func TestTimersRingInOrder(t *testing.T) {
	timers := newTimers()
	for i, at := range []group.Instant{5, 3, 5, 1} {
		timers.apply(group.TimerChange{Key: group.TimerKey{Member: memberName(i)}, At: at})
	}
	for _, want := range []string{"m3", "m1", "m0", "m2"} {
		if key, ok := timers.due(10); !ok || key.Member != want {
			t.Fatalf("%s rang, want %s", key.Member, want)
		}
	}
}
