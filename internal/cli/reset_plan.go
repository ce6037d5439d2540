package cli

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// resetOffset is one partition of group reset.
type resetOffset struct {
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Committed   *int64 `json:"committedOffset"` // null where none was
	New         int64  `json:"newOffset"`
	LogStart    int64  `json:"logStartOffset"`
	LogEnd      int64  `json:"logEndOffset"`
	ReadAgain   int64  `json:"readAgain"`   // records that were consumed before
	Skipped     int64  `json:"skipped"`     // records that were not consumed, and will not be
	ClampedFrom *int64 `json:"clampedFrom"` // what was asked for and is not in the log: the nearest end was taken
	Effect      string `json:"effect"`
}

// resetPlan is what group reset does to one group.
type resetPlan struct {
	Group     string        `json:"group"`
	Executed  bool          `json:"executed"`
	ReadAgain int64         `json:"readAgain"`
	Skipped   int64         `json:"skipped"`
	Offsets   []resetOffset `json:"offsets"`
}

func newResetPlan(group string, offsets []resetOffset) resetPlan {
	p := resetPlan{Group: group, Offsets: offsets}
	for _, o := range offsets {
		p.ReadAgain += o.ReadAgain
		p.Skipped += o.Skipped
	}
	return p
}

// resetWant is what is asked of a reset: a place in partitions, or an offset for each.
type resetWant struct {
	place  startPlace
	topics map[string][]int32 // with no partition all of them
	all    bool               // topics are those that the group has offsets of
	rows   resetRows          // of a file; else nil
}

// plan finds the new offset of each partition of a group. The commits are read first and then the ends.
func (w *resetWant) plan(ctx context.Context, admin *kadm.Client, group string) ([]resetOffset, error) {
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, answered("committed offsets of group "+group, err, "")
	}
	chosen := w.topics
	switch {
	case w.rows != nil:
		chosen = w.rows.partitions(group)
	case w.all:
		chosen = map[string][]int32{}
		for topic, partitions := range committed {
			chosen[topic] = sortedKeys(partitions)
		}
		if len(chosen) == 0 {
			return nil, fmt.Errorf("group %s has no committed offsets; name the topics with --topic", group)
		}
	}
	plan := []resetOffset{}
	for _, topic := range sortedKeys(chosen) {
		found, err := boundsOf(ctx, admin, topic, chosen[topic])
		if err != nil {
			return nil, err
		}
		wanted, err := startsOfReset(ctx, admin, topic, w.place, found)
		if err != nil {
			return nil, err
		}
		for _, p := range sortedKeys(found) {
			r := resetOffset{Topic: topic, Partition: p, New: wanted[p], LogStart: found[p].start, LogEnd: found[p].end}
			if was, ok := committed.Lookup(topic, p); ok && was.Err == nil && was.At >= 0 {
				r.Committed = &was.At
			}
			switch {
			case w.rows != nil:
				r.New = w.rows[group][topic][p]
			case w.place.kind == fromOffset:
				r.New = w.place.at
			case w.place.kind == fromCommitted && r.Committed == nil:
				r.New = r.LogEnd
			case w.place.kind == fromCommitted:
				r.New = *r.Committed
			case w.place.kind == fromShifted && r.Committed == nil:
				return nil, fmt.Errorf("group %s has committed nothing in %s-%d, so nothing can be shifted there; name the other partitions with --topic %s:N",
					group, topic, p, topic)
			case w.place.kind == fromShifted:
				r.New = *r.Committed + w.place.at
			}
			r.settle()
			plan = append(plan, r)
		}
	}
	return plan, nil
}

// startsOfReset asks for the offsets of a place that the brokers know; of others there is nothing to ask.
func startsOfReset(ctx context.Context, admin *kadm.Client, topic string, place startPlace, found map[int32]bounds) (map[int32]int64, error) {
	switch place.kind {
	case fromEarliest, fromLatest, fromTime:
		return startsOf(ctx, admin, topic, place, found)
	}
	return nil, nil
}

// settle keeps the new offset within the log and says what it does to the records.
func (r *resetOffset) settle() {
	within := func(offset int64) int64 { return min(max(offset, r.LogStart), r.LogEnd) }
	asked := r.New
	if r.New = within(asked); r.New != asked {
		r.ClampedFrom = &asked
	}
	from := r.LogStart
	if r.Committed != nil {
		from = within(*r.Committed)
	}
	r.ReadAgain, r.Skipped = max(0, from-r.New), max(0, r.New-from)
	switch {
	case r.ReadAgain > 0:
		r.Effect = plural(r.ReadAgain, "record") + " will be read again"
	case r.Skipped > 0:
		r.Effect = plural(r.Skipped, "record") + " will be skipped"
	case r.Committed == nil:
		r.Effect = "begins at the first record"
	case *r.Committed == r.New:
		r.Effect = "no change"
	default:
		r.Effect = "no record is read again or skipped"
	}
	if r.Committed != nil && *r.Committed < r.LogStart {
		r.Effect += "; " + number(r.LogStart-*r.Committed) + " before the log start are gone already"
	}
	switch {
	case asked < r.LogStart:
		r.Effect += "; clamped: " + number(asked) + " is before the log start"
	case asked > r.LogEnd:
		r.Effect += "; clamped: " + number(asked) + " is beyond the log end"
	}
}

func printPlans(p *page, plans []resetPlan) {
	for i, plan := range plans {
		if i > 0 {
			p.line("")
		}
		done := ""
		if plan.Executed {
			done = "reset; "
		}
		p.line("group %s: %s%s will be read again, %d skipped", printable(plan.Group), done, plural(plan.ReadAgain, "record"), plan.Skipped)
		var rows [][]string
		for _, r := range plan.Offsets {
			rows = append(rows, []string{r.Topic, number(r.Partition), maybe(r.Committed), number(r.New), number(r.LogStart), number(r.LogEnd), r.Effect})
		}
		p.table([]string{"TOPIC", "PARTITION", "COMMITTED", "NEW", "START", "END", "EFFECT"}, rows)
	}
}
