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
func inBubble(t *testing.T, o Options, judge func(*report.Report)) { inBubbleOf(t, 1, o, judge) }

// inBubbleOf is inBubble with so many nodes.
func inBubbleOf(t *testing.T, nodes int, o Options, judge func(*report.Report)) {
	synctest.Test(t, func(t *testing.T) {
		settings := []skeintest.Option{skeintest.InMemory(), skeintest.Set("group.initial.rebalance.delay.ms", "3000"), skeintest.Set("group.max.size", "5")}
		if nodes > 1 {
			settings = append(settings, skeintest.Nodes(nodes))
		}
		node := skeintest.Start(t, settings...)
		o.Bootstrap, o.Dial, o.Slow = node.Bootstrap(), node.Dial, true
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		judge(r)
	})
}

// TestSkein asks every row. None is missed, and none needs a second try: there is no busy machine to blame. Skipped are those
// that need several nodes.
func TestSkein(t *testing.T) {
	inBubble(t, Options{once: true}, func(r *report.Report) {
		for _, one := range r.Results {
			hidden := one.Verdict == report.Skipped && slices.Contains(Several(), one.ID)
			if one.Verdict == report.Miss || one.Verdict == report.Skipped && !hidden {
				t.Errorf("%s %s: %s: %s", one.ID, one.Verdict, one.Asks, one.Detail)
			}
		}
		t.Log(r.Score(), "in", r.Took)
	})
}

// TestCluster asks three nodes the rows that one hides.
func TestCluster(t *testing.T) {
	inBubbleOf(t, 3, Options{once: true, Only: Several()}, func(r *report.Report) {
		for _, one := range r.Results {
			if one.Verdict != report.Pass {
				t.Errorf("%s %s: %s: %s", one.ID, one.Verdict, one.Asks, one.Detail)
			}
			t.Log(one.ID, one.Detail)
		}
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
