package cli

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/tour/lane"
)

const (
	// diagramText is the least columns that the text beside the lanes has, diagramTime and diagramLane what is drawn takes.
	diagramText = 34
	diagramTime = 10
	diagramLane = 6
	// diagramMembersMin is how many lanes of members there are at least.
	diagramMembersMin = 3
)

// restLane is the label of the lane that all members share which have none of their own.
const restLane = "rest"

// print draws the group in lines of at most columns.
func (d *diagram) print(p *page, columns int) {
	if len(d.rows) == 0 {
		p.line("group %s: nobody joined, left or was refused", printable(d.group))
		return
	}
	shown := d.choose(max((columns-diagramTime-diagramText)/diagramLane-1, diagramMembersMin))
	lanes := map[string]int{"": 0}
	sheet := lane.Sheet{Lanes: []string{"coord"}}
	p.line("group %s, in seconds since %s", printable(d.group), instant(d.rows[0].at))
	for _, id := range shown {
		lanes[id] = len(sheet.Lanes)
		label := number(len(sheet.Lanes))
		sheet.Lanes = append(sheet.Lanes, label)
		about := d.known[id].about
		if about != "" {
			about = ", " + about
		}
		p.line("  %-4s  %s%s", label, printable(id), about)
	}
	if more := len(d.members) - len(shown); more > 0 {
		for _, id := range d.members {
			if _, own := lanes[id]; !own {
				lanes[id] = len(sheet.Lanes)
			}
		}
		sheet.Lanes = append(sheet.Lanes, restLane)
		p.line("  %-4s  ... and %d more", restLane, more)
	}
	sheet.Rows = d.draw(lanes, sheet.Lanes)
	for _, line := range sheet.Text(columns, lane.Style{}) {
		p.line("%s", line)
	}
}

// choose is the members that have a lane of their own, in the order in which they came: all, or those that matter most.
func (d *diagram) choose(lanesMax int) []string {
	if len(d.members) <= lanesMax {
		return d.members
	}
	byWeight := slices.Clone(d.members)
	slices.SortStableFunc(byWeight, func(a, b string) int { return cmp.Compare(d.known[b].matters, d.known[a].matters) })
	own := byWeight[:lanesMax-1]
	var shown []string
	for _, id := range d.members {
		if slices.Contains(own, id) {
			shown = append(shown, id)
		}
	}
	return shown
}

// draw makes the rows. Of the members that share a lane, rows of one kind are one until the group changes.
func (d *diagram) draw(lanes map[string]int, labels []string) []lane.Row {
	name := func(id string) string {
		if label := labels[lanes[id]]; label != restLane && lanes[id] > 0 {
			return label
		}
		return d.names.of(id)
	}
	type shared struct{ row, times int }
	var rows []lane.Row
	merged := map[string]shared{} // by kind
	for i := range d.rows {
		r := &d.rows[i]
		row := lane.Row{At: r.at.Sub(d.rows[0].at), From: lanes[r.from], To: lanes[r.to], Mark: r.mark, Text: r.text(name)}
		if r.mark == lane.Change {
			clear(merged)
		}
		if who := max(row.From, row.To); labels[who] == restLane {
			if row.Mark == lane.End {
				row.Mark = lane.None // the others go on
			}
			kind := fmt.Sprintf("%s %d", r.kind, row.From)
			m, again := merged[kind]
			if again {
				m.times++
				merged[kind] = m
				rows[m.row].Text = fmt.Sprintf("%s (%d times)", r.kind, m.times)
				continue
			}
			merged[kind] = shared{len(rows), 1}
			if row.From != row.To {
				row.Text = name(cmp.Or(r.from, r.to)) + ": " + row.Text
			}
		}
		rows = append(rows, row)
	}
	return rows
}
