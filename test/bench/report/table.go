package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is the run for a terminal.
func Table(r *Run) string {
	rows := [][]string{heads}
	for _, l := range Lines(r) {
		rows = append(rows, l.cells())
	}
	widths := make([]int, len(heads))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString("\n")
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "FAILED: %s\n", failure)
	}
	return b.String()
}

// Every is each value that was measured, goal or not, one line a side.
func Every(r *Run) string {
	type key struct{ figure, side, value string }
	var keys []key
	for _, s := range r.Samples {
		for value := range s.Values {
			if k := (key{s.Figure, s.Side, value}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int {
		return strings.Compare(a.figure+"\x00"+a.value+"\x00"+a.side, b.figure+"\x00"+b.value+"\x00"+b.side)
	})
	var b strings.Builder
	for _, k := range keys {
		s := r.Spread(k.figure, k.side, k.value)
		fmt.Fprintf(&b, "| %s | %s | %s | %.4g | %.4g..%.4g | %d |\n", k.figure, k.value, k.side, s.Median, s.Min, s.Max, s.N)
	}
	return b.String()
}
