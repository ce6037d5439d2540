package position

import (
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/backoff"
)

// Ask is a question about one partition.
type Ask struct {
	Part  *Part
	Stamp Stamp
}

// AskCommitted lists the partitions whose committed offset has to be asked for, and marks them as asked.
func (t *Table) AskCommitted(now time.Time) []Ask { return t.ask(now, NeedsCommitted, false) }

// AskReset lists the partitions whose new place has to be asked for, with ListOffsets, of their leaders. The policy
// ToNone is an error and not a question: see Stuck.
func (t *Table) AskReset(now time.Time) []Ask { return t.ask(now, NeedsReset, true) }

// AskValidation lists the partitions whose place has to be compared with their leader's log, with
// OffsetForLeaderEpoch.
func (t *Table) AskValidation(now time.Time) []Ask { return t.ask(now, NeedsValidation, true) }

func (t *Table) ask(now time.Time, stage Stage, ofLeader bool) []Ask {
	var asks []Ask
	for _, p := range t.order {
		if p.Stage != stage || p.asking || p.Released || now.Before(p.retryAt) || ofLeader && p.Leader < 0 {
			continue
		}
		if stage == NeedsReset && p.Reset.Kind == ToNone {
			continue
		}
		p.asking = true
		asks = append(asks, Ask{Part: p, Stamp: p.Stamp})
	}
	slices.SortFunc(asks, func(a, b Ask) int { return byName(a.Part, b.Part) })
	return asks
}

// current returns the partition of an open question, which is answered with this.
func (t *Table) current(name TopicPartition, stamp Stamp, stage Stage) *Part {
	p := t.parts[name]
	if p == nil || p.Stamp != stamp || p.Stage != stage || !p.asking {
		return nil
	}
	p.asking = false
	return p
}

// FoundCommitted answers AskCommitted; Nowhere is no committed offset, and the policy decides.
func (t *Table) FoundCommitted(name TopicPartition, stamp Stamp, at Place) {
	p := t.current(name, stamp, NeedsCommitted)
	if p == nil {
		return
	}
	if at.Offset < 0 {
		p.retryAt, p.failures = time.Time{}, 0
		p.reset(t.cfg.Default, "the group has no committed offset for it")
		return
	}
	p.Committed = at
	t.place(p, at)
	p.Processed = at
}

// FoundReset answers AskReset with the place that it found. It returns where the partition was before, and why it was
// moved, for the application; nothing if it asked for it.
func (t *Table) FoundReset(name TopicPartition, stamp Stamp, at Place) (moved *Moved) {
	p := t.current(name, stamp, NeedsReset)
	if p == nil {
		return nil
	}
	m := &Moved{Name: name, From: p.Position.Offset, To: at.Offset, Why: p.Why, Reset: p.Reset}
	t.place(p, at)
	p.Processed = at
	if m.Reset.Asked {
		return nil
	}
	return m
}

// Redirect makes an open question about a place another one.
func (t *Table) Redirect(name TopicPartition, stamp Stamp, to Kind) {
	if p := t.current(name, stamp, NeedsReset); p != nil {
		p.Reset.Kind = to
	}
}

// Again drops what was fetched of a partition, because it cannot be read, and has it fetched again after a pause.
func (t *Table) Again(now time.Time, name TopicPartition, why string) {
	if p := t.parts[name]; p != nil {
		t.drop(p)
		t.Failed(now, name, p.Stamp, why)
	}
}

// Moved tells of a position that the policy has set.
type Moved struct {
	Name     TopicPartition
	From, To int64
	Why      string
	Reset    Reset
}

// Validated answers AskValidation: the leader's log has the epoch of Part.Ahead up to end. It reports whether the log
// was truncated below the place; then the partition goes to what is left of it, or, if the policy is ToNone, gets stuck.
func (t *Table) Validated(now time.Time, name TopicPartition, stamp Stamp, epoch int32, end int64) (moved *Moved) {
	p := t.current(name, stamp, NeedsValidation)
	if p == nil {
		return nil
	}
	switch {
	case epoch < 0 || end < 0:
		t.lost(now, p, "the leader's log has nothing of the leader epoch at which it was read")
		return nil
	case end < p.Position.Offset:
		if t.cfg.Default.Kind == ToNone {
			t.lost(now, p, "the log was truncated below its position")
			return nil
		}
		m := &Moved{Name: name, From: p.Position.Offset, To: end, Why: "the log was truncated below its position", Reset: t.cfg.Default}
		t.place(p, Place{Offset: end, LeaderEpoch: epoch})
		p.Stage = Ready
		p.Processed = p.Position
		return m
	case end < p.ahead.Offset: // only what was fetched ahead
		t.drop(p)
	}
	p.Stage = Ready
	p.retryAt, p.failures = time.Time{}, 0
	return nil
}

// lost sends the partition to where the policy says: at once, and after a pause if the last place that it was sent to is
// not in the log either. An honest leader names places that are.
func (t *Table) lost(now time.Time, p *Part, why string) {
	t.drop(p)
	p.reset(t.cfg.Default, why)
	if p.resets > 0 {
		p.retryAt = now.Add(backoff.Pause(t.cfg.RetryBackoff, t.cfg.RetryBackoffMax, p.resets-1))
	}
	p.resets++
}

// OutOfRange tells that the leader does not have the offset at which it was fetched. What is there is delivered before
// the policy decides.
func (t *Table) OutOfRange(now time.Time, name TopicPartition, stamp Stamp, why string) {
	p := t.parts[name]
	if p == nil || p.Stamp != stamp || p.Stage != Ready {
		return
	}
	if len(p.queue) > 0 {
		t.Failed(now, name, stamp, why)
		return
	}
	t.lost(now, p, why)
}

// Unanswered ends a Fetch that its node did not answer. It is the node that has to be left alone for a while, which is the
// driver's: the partition can be fetched at once from another, its leader if it was read from a replica.
func (t *Table) Unanswered(name TopicPartition, stamp Stamp) {
	if p := t.parts[name]; p != nil && p.Stamp == stamp {
		p.fetching, p.replica = false, -1
	}
}

// Failed ends a question, or what a Fetch was to bring of the partition, with a refusal or without an answer. The next is
// sent after a pause, which doubles. Explain tells why.
func (t *Table) Failed(now time.Time, name TopicPartition, stamp Stamp, why string) {
	p := t.parts[name]
	if p == nil || p.Stamp != stamp {
		return
	}
	p.asking, p.fetching, p.replica = false, false, -1
	p.retryAt = now.Add(backoff.Pause(t.cfg.RetryBackoff, t.cfg.RetryBackoffMax, p.failures))
	p.failures++
	p.failure = why
}

// Stuck lists the partitions that cannot go on because the policy is ToNone.
func (t *Table) Stuck() []*Part {
	var stuck []*Part
	for _, p := range t.order {
		if p.Stage == NeedsReset && p.Reset.Kind == ToNone && !p.Released {
			stuck = append(stuck, p)
		}
	}
	slices.SortFunc(stuck, byName)
	return stuck
}

// Next is when a partition that waits after a failure has to be looked at again; the zero time if none waits.
func (t *Table) Next(now time.Time) time.Time {
	var next time.Time
	for _, p := range t.order {
		if p.retryAt.After(now) && (next.IsZero() || p.retryAt.Before(next)) {
			next = p.retryAt
		}
	}
	return next
}
