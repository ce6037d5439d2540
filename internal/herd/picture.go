package herd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/herd/chart"
)

// quantities are what is drawn, in order. Those that grow with time say little where a herd had not come to rest.
var quantities = []struct {
	name string
	open bool
	of   func(Result) float64
}{
	{"notifications", true, func(r Result) float64 { return float64(r.Notifications) }},
	{"requests", true, func(r Result) float64 { return float64(r.Requests) }},
	{"seconds until stable", true, func(r Result) float64 { return seconds(r.StableAfter) }},
	{"partition-seconds\nwithout an owner", true, func(r Result) float64 { return seconds(r.NoOwner) }},
	{"partition-seconds\nwith two owners", true, func(r Result) float64 { return seconds(r.TwoOwners) }},
	{"records doubled", false, func(r Result) float64 { return float64(r.Doubled) }},
	{"rebalances that failed", false, func(r Result) float64 { return float64(r.Failed) }},
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Millisecond)) / float64(time.Second)
}

// Picture is the results as a grid of charts.
func Picture(results []Result) *chart.Grid {
	g := &chart.Grid{Title: "A rebalance by watches on ZooKeeper, and by a coordinator", Columns: Steps(), Unit: "members",
		Names: []string{"old consumer, ZooKeeper", "consumer, coordinator"}, Hollow: "not stable by then"}
	members := membersOf(results)
	for _, n := range members {
		g.X = append(g.X, float64(n))
	}
	for _, q := range quantities {
		g.Rows = append(g.Rows, q.name)
		var row []chart.Cell
		for _, step := range Steps() {
			cell := chart.Cell{}
			for _, side := range []string{Old, Coordinator} {
				var line []chart.Point
				for _, n := range members {
					p := chart.Point{}
					if r, ok := find(results, side, step, n); ok {
						p = chart.Point{Y: q.of(r), There: true, Hollow: q.open && !r.Stable}
					}
					line = append(line, p)
				}
				cell.Lines = append(cell.Lines, line)
			}
			row = append(row, cell)
		}
		g.Cells = append(g.Cells, row)
	}
	return g
}

// Table is the results as Markdown.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| | members | by | notifications | requests | stable after | partition-seconds without an owner | with two | records doubled | collisions | failed rebalances |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, step := range Steps() {
		for _, n := range membersOf(results) {
			for _, side := range []string{Old, Coordinator} {
				r, ok := find(results, side, step, n)
				if !ok {
					continue
				}
				stable := "never"
				if r.Stable {
					stable = decimal(r.StableAfter) + " s"
				}
				fmt.Fprintf(&b, "| %s | %d | %s | %d | %d | %s | %s | %s | %d | %d | %d |\n", step, n, side, r.Notifications, r.Requests, stable,
					decimal(r.NoOwner), decimal(r.TwoOwners), r.Doubled, r.Collisions, r.Failed)
			}
		}
	}
	return b.String()
}

func decimal(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) }

func find(results []Result, side, step string, n int) (Result, bool) {
	i := slices.IndexFunc(results, func(r Result) bool { return r.Side == side && r.Step == step && r.Members == n })
	if i < 0 {
		return Result{}, false
	}
	return results[i], true
}

func membersOf(results []Result) []int {
	var members []int
	for _, r := range results {
		members = append(members, r.Members)
	}
	slices.Sort(members)
	return slices.Compact(members)
}

// The place for figures in a page.
const (
	pageBegin = "<!-- herd -->\n"
	pageEnd   = "<!-- /herd -->"
)

// WritePage puts the figures into the place that a page has for them.
func WritePage(page, figures string) (string, error) {
	head, rest, found := strings.Cut(page, pageBegin)
	_, tail, ended := strings.Cut(rest, pageEnd)
	if !found || !ended {
		return "", fmt.Errorf("the page has no place for the figures: %s ... %s", strings.TrimSpace(pageBegin), pageEnd)
	}
	return head + pageBegin + figures + pageEnd + tail, nil
}
