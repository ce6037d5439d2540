package partition

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

const (
	// A pause for the follower's rate is long enough for more than one batch to find room after it, and so short that what has
	// changed meanwhile is seen.
	throttlePauseMin = 100 * time.Millisecond
	throttlePauseMax = time.Second
)

// heldBack is a partition that the follower's rate makes wait, in one of its pauses.
type heldBack struct {
	*followed
	pause int
}

// hold has the partitions for which the follower's rate counts wait while that is exceeded. Else those that the next request names
// share the room. The caller holds mu.
func (f *fetcher) hold() {
	t := &f.host.taking
	if !t.limited.Load() {
		return
	}
	now := f.host.throttleNow()
	if room := t.room(now); room >= 0 {
		slow := f.slow(slices.Values(f.due()))
		for _, fl := range slow {
			fl.share = max(room/int64(len(slow)), 1) // one batch comes whole
		}
		return
	}
	slow := f.slow(maps.Values(f.partitions)) // the leader would give more of those in the session, too
	if len(slow) == 0 {
		return
	}
	// In the order in which they are named again, and served: who was served least recently is first.
	slices.SortFunc(slow, func(a, b *followed) int { return cmp.Or(cmp.Compare(a.served, b.served), a.key.compare(b.key)) })
	for _, fl := range slow {
		f.rest(fl)
		f.held = append(f.held, heldBack{fl, fl.pause})
	}
	if f.holding {
		return
	}
	f.holding = true
	f.host.after(min(max(t.wait(now), throttlePauseMin), throttlePauseMax), func() {
		if f.host.enter() {
			defer f.host.done.Done()
			f.mu.Lock()
			f.holding = false
			f.resume()
		}
	})
}

// slow is those that the follower's rate may make wait. The caller holds mu.
func (f *fetcher) slow(of iter.Seq[*followed]) (slow []*followed) {
	for fl := range of {
		if !fl.paused && f.partitions[fl.key] == fl && fl.partition.mayWait() {
			slow = append(slow, fl)
		}
	}
	return slow
}

// due is what the next request names: everything to begin a session, what has moved within one. Some of it may be paused, or
// not be followed any more. The caller holds mu.
func (f *fetcher) due() []*followed {
	if f.sessionEpoch > 0 {
		return f.dirty
	}
	all := make([]*followed, 0, len(f.partitions))
	for _, key := range slices.SortedFunc(maps.Keys(f.partitions), fetchKey.compare) {
		all = append(all, f.partitions[key])
	}
	return all
}

// resume ends the pauses of those that wait for the follower's rate: it has room, or has changed. The caller holds mu, which
// resume gives back.
func (f *fetcher) resume() {
	held := f.held
	f.held = nil
	for _, h := range held {
		if f.partitions[h.key] == h.followed && h.paused && h.followed.pause == h.pause {
			f.wake(h.followed)
		}
	}
	f.next()
}
