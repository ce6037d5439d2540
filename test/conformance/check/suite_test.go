package check

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/skeintest"
	"github.com/skein-io/skein/test/conformance/report"
)

// inBubble runs the suite against a node in memory whose time passes when everybody waits, so that five minutes take
// no time. The node has the defaults of `skein serve`, but for a group.max.size that can be reached.
func inBubble(t *testing.T, o Options, judge func(*report.Report)) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("group.initial.rebalance.delay.ms", "3000"),
			skeintest.Set("group.max.size", "5"))
		o.Bootstrap, o.Dial, o.Slow = node.Bootstrap(), node.Dial, true
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		judge(r)
	})
}

// TestSkein asks every row. None is missed or skipped, and none needs a second try: there is no busy machine to blame.
func TestSkein(t *testing.T) {
	inBubble(t, Options{once: true}, func(r *report.Report) {
		for _, one := range r.Results {
			if one.Verdict == report.Miss || one.Verdict == report.Skipped {
				t.Errorf("%s %s: %s: %s", one.ID, one.Verdict, one.Asks, one.Detail)
			}
		}
		t.Log(r.Score(), "in", r.Took)
	})
}

// TestRowsAreTheChecklist counts the lines of sections 2.1 to 2.7: each is there once, in order.
func TestRowsAreTheChecklist(t *testing.T) {
	var want []string
	for _, section := range []struct {
		letter string
		lines  int
	}{{"F", 10}, {"J", 23}, {"S", 7}, {"Y", 6}, {"H", 2}, {"L", 2}, {"O", 20}, {"A", 6}, {"R", 6}} {
		for i := range section.lines {
			want = append(want, fmt.Sprint(section.letter, i+1))
		}
	}
	var got []string
	for _, row := range Rows() {
		got = append(got, row.ID)
		if (row.run == nil) == (row.hidden == "") || row.Asks == "" {
			t.Errorf("%s: a row is seen, or hidden for a reason, and says what it asks", row.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}
