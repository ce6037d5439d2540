package lane

import (
	"fmt"
	"html"
	"strings"
)

const (
	svgTime   = 76 // of the column of times, in pixels, as all here
	svgLane   = 64 // from lane to lane
	svgRow    = 22
	svgLetter = 8 // a column of text
)

// SVG draws the sheet for a page. Its colours are the classes change, fault, dim and track, which the page gives.
func (s *Sheet) SVG() string {
	lanes := s.start()
	textAt := svgTime + svgLane*len(s.Lanes) + 8
	width := textAt
	for i := range s.Rows {
		width = max(width, textAt+svgLetter*Width(s.Rows[i].Text)+8)
	}
	height := svgRow * (len(s.Rows) + 2)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width, height, width, height)
	at := func(lane int) int { return svgTime + svgLane*lane + svgLane/2 }
	if s.Micro {
		fmt.Fprintf(&b, `<text class="dim" text-anchor="end" x="%d" y="%d">%s</text>`, svgTime-8, svgRow-6, s.unit())
	}
	for i, name := range s.Lanes {
		fmt.Fprintf(&b, `<text class="dim" text-anchor="middle" x="%d" y="%d">%s</text>`, at(i), svgRow-6, html.EscapeString(name))
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		top := svgRow * (i + 1)
		before := append([]condition(nil), lanes...)
		after(lanes, r)
		for k := range s.Lanes {
			s.track(&b, at(k), top, before[k], lanes[k])
		}
		fmt.Fprintf(&b, `<text class="dim" text-anchor="end" x="%d" y="%d">%s</text>`, svgTime-8, top+svgRow-7, s.clock(r.At))
		svgMessage(&b, r, at, top+svgRow/2)
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d">%s</text>`, classOf(r), textAt, top+svgRow-7, html.EscapeString(r.Text))
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// track draws a lane through one row: its upper half as it was, its lower half as it is.
func (s *Sheet) track(b *strings.Builder, x, top int, was, is condition) {
	for i, c := range []condition{was, is} {
		if c == absent {
			continue
		}
		dash := ""
		if c == paused {
			dash = ` stroke-dasharray="2 4"`
		}
		fmt.Fprintf(b, `<path class="track" d="M%d %dv%d"%s/>`, x, top+i*svgRow/2, svgRow/2, dash)
	}
}

func svgMessage(b *strings.Builder, r *Row, at func(int) int, y int) {
	from, to := at(r.From), at(r.To)
	if from == to {
		fmt.Fprintf(b, `<circle class="%s" cx="%d" cy="%d" r="4"/>`, classOf(r), from, y)
		return
	}
	head := 6
	if to < from {
		head = -6
	}
	fmt.Fprintf(b, `<path class="arrow" d="M%d %dH%dm%d -4L%d %dl%d 4"/>`, from, y, to, -head, to, y, -head)
}

func classOf(r *Row) string {
	switch r.Mark {
	case Change:
		return "change"
	case Begin, Pause, Resume, End:
		return "fault"
	}
	return "plain"
}
