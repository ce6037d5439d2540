// Package lane draws what several actors did to each other: one lane for each, time running down, a message as an arrow
// from lane to lane. Text draws it for a terminal or a pipe, SVG for a page. It knows nothing of what it draws.
package lane

import (
	"slices"
	"strconv"
	"time"
)

// Sheet is a drawing: lanes from left to right, rows from top to bottom.
type Sheet struct {
	Lanes []string
	Rows  []Row
	Micro bool // times are shown in microseconds, not in seconds
}

// clock is how a time is shown, and unit what stands over the times.
func (s *Sheet) clock(at time.Duration) string {
	if s.Micro {
		return strconv.FormatInt(at.Microseconds(), 10)
	}
	return strconv.FormatFloat(at.Seconds(), 'f', 3, 64)
}

func (s *Sheet) unit() string {
	if s.Micro {
		return "µs"
	}
	return ""
}

// Row is one moment.
type Row struct {
	At   time.Duration // since the scene began
	From int           // the lane where it is, or where the message comes from
	To   int           // the lane that the message goes to; From where it is no message
	Mark Mark
	Text string
}

// Mark says what becomes of the lane.
type Mark uint8

const (
	// None changes nothing.
	None Mark = iota
	// Begin starts the lane. A lane that never begins is there from the start.
	Begin
	// Pause makes it stand still.
	Pause
	// Resume ends Pause.
	Resume
	// End ends it.
	End
	// Change is a change of the lane's state.
	Change
)

// condition is how a lane stands at a row.
type condition uint8

const (
	running condition = iota
	absent
	paused
)

// start is how the lanes stand before the first row.
func (s *Sheet) start() []condition {
	lanes := make([]condition, len(s.Lanes))
	for i := len(s.Rows) - 1; i >= 0; i-- {
		r := &s.Rows[i]
		switch r.Mark {
		case Begin:
			lanes[r.From] = absent
		case Resume:
			lanes[r.From] = paused
		case Pause, End:
			lanes[r.From] = running
		}
	}
	return lanes
}

// Drop takes lanes out that nothing happens in any more. A lane of these that has rows stays.
func (s *Sheet) Drop(names []string) {
	used := make([]bool, len(s.Lanes))
	for _, r := range s.Rows {
		used[r.From], used[r.To] = true, true
	}
	var lanes []string
	place := make([]int, len(s.Lanes))
	for i, name := range s.Lanes {
		place[i] = len(lanes)
		if used[i] || !slices.Contains(names, name) {
			lanes = append(lanes, name)
		}
	}
	rows := slices.Clone(s.Rows)
	for i := range rows {
		rows[i].From, rows[i].To = place[rows[i].From], place[rows[i].To]
	}
	s.Lanes, s.Rows = lanes, rows
}

// after is how a row leaves the lanes.
func after(lanes []condition, r *Row) {
	switch r.Mark {
	case Begin, Resume:
		lanes[r.From] = running
	case Pause:
		lanes[r.From] = paused
	case End:
		lanes[r.From] = absent
	}
}
