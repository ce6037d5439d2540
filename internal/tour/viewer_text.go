package tour

import (
	"fmt"
	"io"
	"strings"

	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/internal/tour/text"
)

// Text is a Viewer that writes lines: to a terminal with colours and keys, to a pipe without.
type Text struct {
	W       io.Writer
	Words   text.Language
	Columns int // of a line; at least 40
	// Lines is the height of the terminal. 0 has no bound.
	Lines int
	// Colour marks text by escape codes.
	Colour bool
	// Key waits for a key and gives it, '\n' for Enter. Nil: nobody is there.
	Key func() (rune, error)
	// Step waits for a key before each step, and where what it shows fills the terminal.
	Step bool

	err error
}

var _ Viewer = (*Text)(nil)

// Before writes what the step is about.
func (t *Text) Before(p *Page) error {
	if p.Number == 1 {
		t.line("%s", t.bold(p.Title)+"  "+t.dim("skein tour "+p.Scene))
		t.paragraph("", p.About)
		if t.Key != nil {
			t.paragraph("", t.Words.Say("ui.connect", p.Broker))
		}
		t.line("")
	}
	t.paragraph(t.Words.Say("ui.step", p.Number, p.Total)+"  ", p.Say)
	if !t.Step || p.Chosen {
		return t.err
	}
	key, ok := t.ask(t.Words.Say("ui.next"))
	if ok && key == 'q' {
		return ErrEnded
	}
	return t.err
}

// After writes the evidence.
func (t *Text) After(p *Page) error {
	var lines []string
	if len(p.Sheet.Rows) > 0 {
		style := lane.Style{}
		if t.Colour {
			style = lane.Style{Dim: t.dim, Change: t.green, Fault: t.red}
		}
		lines = append(p.Sheet.Text(t.Columns, style), "")
	}
	for i := range p.Tables {
		lines = append(append(lines, t.table(&p.Tables[i])...), "")
	}
	for i := range p.Facts {
		lines = append(lines, t.fact(&p.Facts[i])...)
	}
	t.line("")
	for i, line := range lines {
		if room := t.Lines - 2; t.Step && room > 0 && i > 0 && i%room == 0 {
			if key, ok := t.ask(t.Words.Say("ui.next")); ok && key == 'q' {
				return ErrEnded
			}
		}
		t.line("%s", line)
	}
	t.line("")
	return t.err
}

func (t *Text) table(table *Table) []string {
	widths := make([]int, len(table.Header))
	rows := append([][]string{table.Header}, table.Rows...)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], lane.Width(cell))
		}
	}
	var lines []string
	for k, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString("  " + cell + strings.Repeat(" ", widths[i]-lane.Width(cell)))
		}
		line := strings.TrimRight(b.String(), " ")
		if k == 0 {
			line = t.dim(line)
		}
		lines = append(lines, line)
	}
	return lines
}

// fact is a sentence with a mark before it and its source behind it.
func (t *Text) fact(f *Fact) []string {
	mark, paint := "✓ ", t.green
	said := f.Text
	if !f.OK {
		mark, paint = "✗ ", t.red
		said += fmt.Sprintf(". %s (%v ≠ %v)", t.Words.Say("ui.failed"), plainly(f.Got), plainly(f.Want))
	}
	lines := lane.Wrap(said+" ["+string(f.Source)+"]", t.Columns-4)
	for i := range lines {
		if i == 0 {
			lines[i] = "  " + paint(mark) + lines[i]
		} else {
			lines[i] = "    " + lines[i]
		}
	}
	return lines
}

// Choose offers the faults.
func (t *Text) Choose(faults []Step) (*Step, bool, error) {
	if t.Key == nil {
		return nil, false, t.err
	}
	var offered []string
	for _, f := range faults {
		offered = append(offered, t.Words.Say("ui.key."+f.Name))
	}
	question := t.Words.Say("ui.choose", strings.Join(offered, ", "))
	for {
		key, ok := t.ask(question)
		switch {
		case t.err != nil:
			return nil, true, t.err
		case !ok || key == '\n':
			return nil, true, nil
		case key == 'q':
			return nil, true, ErrEnded
		}
		for i := range faults {
			if faults[i].Key == key {
				t.line("")
				return &faults[i], true, nil
			}
		}
	}
}

// ask shows a question, and waits for a key if somebody is there.
func (t *Text) ask(question string) (rune, bool) {
	if t.Key == nil || t.err != nil {
		return 0, false
	}
	t.paragraph("", question)
	key, err := t.Key()
	if t.err == nil {
		t.err = err
	}
	return key, err == nil
}

// paragraph writes text in lines that fit, the first after a head that is painted bold.
func (t *Text) paragraph(head, said string) {
	for i, line := range lane.Wrap(head+said, t.Columns) {
		if rest, ok := strings.CutPrefix(line, head); ok && i == 0 {
			line = t.bold(head) + rest
		}
		t.line("%s", line)
	}
}

func (t *Text) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.W, format+"\n", args...)
	}
}

func (t *Text) bold(s string) string  { return t.escape("1", s) }
func (t *Text) dim(s string) string   { return t.escape("2", s) }
func (t *Text) green(s string) string { return t.escape("32", s) }
func (t *Text) red(s string) string   { return t.escape("31", s) }

func (t *Text) escape(code, s string) string {
	if !t.Colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
