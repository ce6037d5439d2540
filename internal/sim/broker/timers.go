package broker

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim"
)

// timers are the keyed timers of a shard, in the order in which they were set.
type timers struct {
	set  []setTimer
	wake *sim.NodeTimer
}

type setTimer struct {
	key group.TimerKey
	at  group.Instant
}

func (t *timers) apply(c group.TimerChange) {
	for i := range t.set {
		if t.set[i].key == c.Key {
			t.set = append(t.set[:i], t.set[i+1:]...)
			break
		}
	}
	if !c.Cancel {
		t.set = append(t.set, setTimer{c.Key, c.At})
	}
}

// first is the place of the earliest timer, -1 if there is none.
func (t *timers) first() int {
	first := -1
	for i := range t.set {
		if first < 0 || t.set[i].at < t.set[first].at {
			first = i
		}
	}
	return first
}

// pop takes out the first timer that is due.
func (t *timers) pop(now group.Instant) (group.TimerKey, bool) {
	i := t.first()
	if i < 0 || t.set[i].at > now {
		return group.TimerKey{}, false
	}
	key := t.set[i].key
	t.set = append(t.set[:i], t.set[i+1:]...)
	return key, true
}

func (t *timers) next() (group.Instant, bool) {
	i := t.first()
	if i < 0 {
		return 0, false
	}
	return t.set[i].at, true
}
