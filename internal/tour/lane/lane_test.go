package lane

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
)

// TestText: what each mark draws, across lanes that are not there yet, stand still, and are gone.
func TestText(t *testing.T) {
	s := Sheet{Lanes: []string{"coord", "c1", "consumer-2"}, Rows: []Row{
		{At: 0, From: 1, To: 1, Mark: Begin, Text: "begins"},
		{At: 3 * time.Millisecond, From: 1, To: 0, Text: "asks"},
		{At: 4 * time.Millisecond, From: 0, To: 0, Mark: Change, Text: "Empty → Stable"},
		{At: 5 * time.Millisecond, From: 2, To: 2, Mark: Begin, Text: "begins too"},
		{At: 6 * time.Millisecond, From: 0, To: 2, Text: "is told something that is longer than the line has room"},
		{At: 7 * time.Millisecond, From: 1, To: 1, Mark: Pause, Text: "paused"},
		{At: 8 * time.Millisecond, From: 2, To: 0, Text: "asks past it"},
		{At: time.Second, From: 1, To: 1, Mark: Resume, Text: "resumed"},
		{At: time.Second, From: 0, To: 0, Text: "something"},
		{At: 2 * time.Second, From: 1, To: 1, Mark: End, Text: "ends"},
		{At: 12 * time.Second, From: 2, To: 0, Text: "asks over the gap"},
	}}
	want := `
         coord  c1   consu
   0.000   │     ┬          begins
   0.003   │◄────┤          asks
   0.004   ●     │          Empty → Stable
   0.005   │     │     ┬    begins too
   0.006   ├─────┼────►│    is told something that is
           │     │     │    longer than the line has
           │     │     │    room
   0.007   │     ╪     │    paused
   0.008   │◄────┼─────┤    asks past it
   1.000   │     ╫     │    resumed
   1.000   ·     │     │    something
   2.000   │     ✕     │    ends
  12.000   │◄──────────┤    asks over the gap`
	if got := "\n" + strings.Join(s.Text(54, Style{}), "\n"); got != want {
		t.Errorf("%s\nwant%s", got, want)
	}
	marked := func(name string) func(string) string {
		return func(s string) string { return "<" + name + ">" + s + "</>" }
	}
	coloured := strings.Join(s.Text(54, Style{Dim: marked("dim"), Change: marked("change"), Fault: marked("fault")}), "\n")
	for _, part := range []string{"<dim>   0.003</>", "<change>Empty → Stable</>", "<fault>ends</>", "  asks\n"} {
		if !strings.Contains(coloured, part) {
			t.Errorf("%q is missing in\n%s", part, coloured)
		}
	}
}

// TestMicroseconds: a sheet whose times are short says so.
func TestMicroseconds(t *testing.T) {
	s := Sheet{Lanes: []string{"a", "b"}, Micro: true, Rows: []Row{{At: 1234567 * time.Nanosecond, From: 0, To: 1, Text: "asks"}}}
	want := `
      µs   a     b
    1234   ├────►│    asks`
	if got := "\n" + strings.Join(s.Text(54, Style{}), "\n"); got != want {
		t.Errorf("%s\nwant%s", got, want)
	}
	if drawn := s.SVG(); !strings.Contains(drawn, ">1234<") || !strings.Contains(drawn, ">µs<") {
		t.Error(drawn)
	}
}

// TestDrop: a lane that is over goes, unless something happens in it yet.
func TestDrop(t *testing.T) {
	s := Sheet{Lanes: []string{"coord", "c1", "c2", "c3"}, Rows: []Row{{From: 3, To: 0, Text: "x"}, {From: 2, To: 2, Text: "y"}}}
	s.Drop([]string{"c1", "c2"})
	if got := strings.Join(s.Lanes, " "); got != "coord c2 c3" || s.Rows[0].From != 2 || s.Rows[1].From != 1 {
		t.Errorf("%s %+v", got, s.Rows)
	}
}

// TestSVG is well formed, whatever the words are, and draws a message or a circle for each row.
func TestSVG(t *testing.T) {
	s := Sheet{Lanes: []string{"<a>", "b&"}, Rows: []Row{
		{From: 0, To: 1, Text: `"<script>&`}, {From: 1, To: 0, Text: "中文"}, {From: 1, To: 1, Mark: Pause, Text: "p"}, {From: 1, To: 1, Mark: End},
	}}
	drawn := s.SVG()
	decoder, elements := xml.NewDecoder(strings.NewReader(drawn)), map[string]int{}
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, drawn)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					elements[a.Value]++
				}
			}
		}
	}
	if elements["arrow"] != 2 || elements["circle"] != 2 || elements["script"] != 0 {
		t.Errorf("%v in %s", elements, drawn)
	}
}

func TestWrap(t *testing.T) {
	for _, p := range []struct {
		text    string
		columns int
		want    string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two|three"},
		{"one two three", 80, "one two three"},
		{"abcdefghijkl", 5, "abcde|fghij|kl"},
		{"a bcdefghij", 4, "a|bcde|fghi|j"},
		{"协调者等待", 4, "协调|者等|待"},
		{"协调者，等待", 6, "协调|者，等|待"},
		{"用 Metadata 询问", 8, "用|Metadata|询问"},
	} {
		lines := Wrap(p.text, p.columns)
		if got := strings.Join(lines, "|"); got != p.want {
			t.Errorf("%q in %d columns: %q, want %q", p.text, p.columns, got, p.want)
		}
		for _, line := range lines {
			if Width(line) > p.columns {
				t.Errorf("%q is wider than %d", line, p.columns)
			}
		}
	}
}
