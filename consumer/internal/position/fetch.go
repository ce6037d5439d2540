package position

import (
	"cmp"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/decode"
)

// Fetched is what one Fetch brought of a partition, and waits for the application.
type Fetched struct {
	Part   *Part
	Cursor *decode.Cursor
	Bytes  int
	// End is the place behind it: where the next Fetch begins.
	End Place
}

// Want is one partition of a Fetch.
type Want struct {
	Part        *Part
	Stamp       Stamp
	From        Place
	LeaderEpoch int32
}

// Plan is a Fetch for one node.
type Plan struct {
	Node  int32
	Wants []Want
	// Partial: the node has partitions that are left out because enough of them waits for the application. The node
	// must not hold the answer then, or they would starve when the application has taken what is there.
	Partial bool
}

// Plan says what to ask the nodes for, except those that busy names. Plans are sorted by
// node, wants in the order in which partitions are delivered: the one that was delivered last comes last.
//
// The plans are valid until the next call; Sent keeps one.
func (t *Table) Plan(now time.Time, busy func(node int32) bool) []Plan {
	plans := t.plans[:0]
	for _, p := range t.order {
		if p.Stage != Ready || p.Paused || p.Released || p.fetching || p.Leader < 0 || now.Before(p.retryAt) {
			continue
		}
		node := p.readFrom(now)
		i := slices.IndexFunc(plans, func(plan Plan) bool { return plan.Node == node })
		if i < 0 {
			if busy(node) {
				continue
			}
			i = len(plans)
			plans = slices.Grow(plans, 1)[:i+1] // with the wants of an earlier call, to be overwritten
			plans[i] = Plan{Node: node, Wants: plans[i].Wants[:0]}
		}
		if len(p.queue) > 0 && p.queued >= t.cfg.QueuedMax {
			plans[i].Partial = true
			continue
		}
		plans[i].Wants = append(plans[i].Wants, Want{Part: p, Stamp: p.Stamp, From: p.ahead, LeaderEpoch: p.LeaderEpoch})
	}
	t.plans = plans
	slices.SortFunc(plans, func(a, b Plan) int {
		return cmp.Or(cmp.Compare(min(len(b.Wants), 1), min(len(a.Wants), 1)), cmp.Compare(a.Node, b.Node))
	})
	end := slices.IndexFunc(plans, func(plan Plan) bool { return len(plan.Wants) == 0 })
	if end < 0 {
		end = len(plans)
	}
	return plans[:end]
}

// Sent marks the partitions of a plan as being fetched, and returns the plan to keep.
func (p Plan) Sent() Plan {
	for _, w := range p.Wants {
		w.Part.fetching = true
	}
	p.Wants = slices.Clone(p.Wants)
	return p
}

// Ahead is the place at which the next Fetch begins, behind what waits for the application.
func (p *Part) Ahead() Place { return p.ahead }

func (p *Part) readFrom(now time.Time) int32 {
	if p.replica >= 0 && now.Before(p.replicaTill) {
		return p.replica
	}
	return p.Leader
}

// Prefer notes that the partition is to be read from another replica until then (KIP-392); -1 is the leader again.
func (t *Table) Prefer(name TopicPartition, stamp Stamp, node int32, till time.Time) {
	if p := t.parts[name]; p != nil && p.Stamp == stamp {
		p.replica, p.replicaTill = node, till
		p.fetching = false
	}
}

// Ends are the ends of a log as a Fetch tells them.
type Ends struct{ HighWatermark, LastStableOffset, LogStart int64 }

// Arrived takes what a Fetch brought; f is nil if there was nothing. It reports whether it counts: if not, the caller
// closes the Cursor.
func (t *Table) Arrived(name TopicPartition, stamp Stamp, ends Ends, f *Fetched) bool {
	p := t.parts[name]
	if p == nil || p.Stamp != stamp || !p.fetching {
		return false
	}
	p.fetching = false
	p.retryAt, p.failures, p.resets = time.Time{}, 0, 0
	p.HighWatermark = max(ends.HighWatermark, Unknown)
	if ends.LastStableOffset >= 0 {
		p.LastStableOffset = ends.LastStableOffset
	}
	if ends.LogStart >= 0 {
		p.LogStart = ends.LogStart
	}
	if f == nil {
		return true
	}
	f.Part = p
	p.queue = append(p.queue, f)
	p.queued += f.Bytes
	p.ahead = f.End
	return true
}

// Front returns what is to be delivered next, or nil. Partitions take turns: one is drained, then it goes to the end.
func (t *Table) Front() *Fetched {
	for i, p := range t.order {
		if len(p.queue) == 0 || p.Paused || p.Released {
			continue
		}
		if i > 0 { // the ones in front have nothing; they keep their order among themselves
			copy(t.order[1:i+1], t.order[:i])
			t.order[0] = p
		}
		return p.queue[0]
	}
	return nil
}

// Delivered notes what was taken from the front: the position is behind it. done: nothing is left of it. It reports
// whether the delivery counts; if not, what was read must not be given to the application.
func (t *Table) Delivered(f *Fetched, to Place, done bool) bool {
	p := f.Part
	if t.parts[p.Name] != p || len(p.queue) == 0 || p.queue[0] != f {
		return false
	}
	p.Position = to
	if done {
		f.Cursor.Close()
		p.Position = f.End
		p.queued -= f.Bytes
		p.queue = slices.Delete(p.queue, 0, 1)
		if len(p.queue) == 0 {
			if i := slices.Index(t.order, p); i >= 0 {
				t.order = append(slices.Delete(t.order, i, i+1), p)
			}
		}
	}
	return true
}

// Buffered reports whether anything waits for the application.
func (t *Table) Buffered() bool {
	for _, p := range t.order {
		if len(p.queue) > 0 && !p.Paused && !p.Released {
			return true
		}
	}
	return false
}
