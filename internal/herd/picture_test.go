package herd

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/herd/measure"
)

func recorded() []Result {
	var all []Result
	for _, n := range []int{10, 500} {
		for _, side := range []string{Old, Coordinator} {
			for i, step := range Steps() {
				if n == 500 && side == Coordinator && step == Cut {
					continue // the limit was over
				}
				all = append(all, Result{Side: side, Members: n, Step: step, Figures: measure.Figures{Notifications: n * i, Requests: n, Stable: side == Coordinator || n == 10,
					StableAfter: 1234 * time.Millisecond, NoOwner: 90 * time.Second, TwoOwners: 4100 * time.Millisecond, Doubled: 113, Collisions: 2, Failed: 1}})
			}
		}
	}
	return all
}

// TestTable: every result is a row, and what never came to rest is told so.
func TestTable(t *testing.T) {
	table := Table(recorded())
	if lines := strings.Count(table, "\n"); lines != 2+11 {
		t.Errorf("%d lines:\n%s", lines, table)
	}
	for _, row := range []string{
		"| one leaves | 10 | zookeeper | 10 | 10 | 1.2 s | 90.0 | 4.1 | 113 | 2 | 1 |\n",
		"| one is cut off | 500 | zookeeper | 1000 | 500 | never | 90.0 | 4.1 | 113 | 2 | 1 |\n",
	} {
		if !strings.Contains(table, row) {
			t.Errorf("no row is %s in\n%s", row, table)
		}
	}
}

// TestPicture: each result is a point of each of its charts; one that had not come to rest is hollow where that matters.
func TestPicture(t *testing.T) {
	svg := Picture(recorded()).SVG()
	if points, want := strings.Count(svg, "<circle"), 11*len(quantities); points != want {
		t.Errorf("%d points, not %d", points, want)
	}
	if hollow := strings.Count(svg, `class="hollow l0"`); hollow != 3*5 || strings.Contains(svg, `class="hollow l1"`) {
		t.Errorf("%d hollow points", hollow)
	}
}

func TestWritePage(t *testing.T) {
	page := "a\n<!-- herd -->\nold\n<!-- /herd -->\nb\n"
	got, err := WritePage(page, "new\n")
	if err != nil || got != "a\n<!-- herd -->\nnew\n<!-- /herd -->\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
	if again, err := WritePage(got, "new\n"); err != nil || again != got {
		t.Errorf("%q, %v", again, err)
	}
	for _, bad := range []string{"", "<!-- herd -->\n", "<!-- /herd -->"} {
		if got, err := WritePage(bad, "new\n"); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}
