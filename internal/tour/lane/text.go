package lane

import (
	"fmt"
	"strings"
)

const (
	trackColumns = 6 // of a lane
	timeColumns  = 8
)

// Style colours a piece of text. The zero Style leaves it as it is.
type Style struct {
	Dim, Change, Fault func(string) string
}

func painted(paint func(string) string, text string) string {
	if paint == nil || text == "" {
		return text
	}
	return paint(text)
}

// Text draws the sheet in lines of at most columns; what does not fit goes on in the next line, beside its lanes.
//
//	       coord    1     2
//	0.003    │◄─────┤           JoinGroup
//	1.004    ●      │           Empty → PreparingRebalance
func (s *Sheet) Text(columns int, style Style) []string {
	lanes := s.start()
	lines := []string{s.header(style)}
	room := max(columns-timeColumns-trackColumns*len(s.Lanes)-2, 16)
	for i := range s.Rows {
		r := &s.Rows[i]
		tracks := s.tracks(lanes, r)
		after(lanes, r)
		for k, text := range Wrap(r.Text, room) {
			at := strings.Repeat(" ", timeColumns)
			if k == 0 {
				at = fmt.Sprintf("%*s", timeColumns, s.clock(r.At))
			} else {
				tracks = s.tracks(lanes, nil)
			}
			lines = append(lines, strings.TrimRight(painted(style.Dim, at)+tracks+"  "+painted(style.of(r), text), " "))
		}
	}
	return lines
}

func (y Style) of(r *Row) func(string) string {
	switch r.Mark {
	case Change:
		return y.Change
	case Begin, Pause, Resume, End:
		return y.Fault
	}
	return nil
}

func (s *Sheet) header(style Style) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("%*s", timeColumns, s.unit()))
	for _, name := range s.Lanes {
		b.WriteString(Centre(short(name), trackColumns))
	}
	return strings.TrimRight(painted(style.Dim, b.String()), " ")
}

// short is a lane's name as it fits over the lane.
func short(name string) string {
	if Width(name) < trackColumns {
		return name
	}
	out, columns := "", 0
	for _, r := range name {
		if columns += runeWidth(r); columns > trackColumns-1 {
			break
		}
		out += string(r)
	}
	return out
}

// tracks draws the lanes of one row; r nil is a row in which nothing happens.
func (s *Sheet) tracks(lanes []condition, r *Row) string {
	cells := make([]rune, trackColumns*len(lanes))
	for i := range cells {
		cells[i] = ' '
	}
	at := func(lane int) int { return lane*trackColumns + trackColumns/2 }
	for i, c := range lanes {
		switch c {
		case running:
			cells[at(i)] = '│'
		case paused:
			cells[at(i)] = '┊'
		}
	}
	if r == nil {
		return string(cells)
	}
	if r.From == r.To {
		cells[at(r.From)] = symbols[r.Mark]
		return string(cells)
	}
	from, to := at(r.From), at(r.To)
	step := 1
	if to < from {
		step = -1
	}
	for i := from + step; i != to; i += step {
		switch cells[i] {
		case '│', '┊':
			cells[i] = '┼'
		default:
			cells[i] = '─'
		}
	}
	if step > 0 {
		cells[from], cells[to-1] = '├', '►'
	} else {
		cells[from], cells[to+1] = '┤', '◄'
	}
	return string(cells)
}

var symbols = [...]rune{None: '·', Begin: '┬', Pause: '╪', Resume: '╫', End: '✕', Change: '●'}
