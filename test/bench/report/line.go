package report

import "fmt"

// Line is a goal with what was measured.
type Line struct {
	Goal
	FloorSpread, SkeinSpread, KafkaSpread Spread
	Other                                 string  // the side in KafkaSpread, if it is not Kafka
	Ratio                                 float64 // skein's median to Kafka's; 0 if either is missing
	Verdict                               string  // "met", "missed", "missed, below the floor" or "not measured"
}

// Lines judges the run: one line for each goal of a figure that has samples.
func Lines(r *Run) []Line {
	var lines []Line
	for _, g := range Goals {
		if l := judge(r, g); l.SkeinSpread.N > 0 || l.KafkaSpread.N > 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

func judge(r *Run, g Goal) Line {
	other := g.Against
	named := ""
	switch {
	case g.Fastest != "":
		other = r.fastest(g.Figure, g.Fastest)
		named = other
	case other == "":
		other = Kafka
	}
	l := Line{Goal: g, Other: named, Verdict: "not measured",
		FloorSpread: r.Spread(g.Figure, g.Floor, g.Value),
		SkeinSpread: r.Spread(g.Figure, Skein, g.Value),
		KafkaSpread: r.Spread(g.Figure, other, g.Value)}
	if l.SkeinSpread.N > 0 && l.KafkaSpread.N > 0 && l.KafkaSpread.Median > 0 {
		l.Ratio = l.SkeinSpread.Median / l.KafkaSpread.Median
	}
	if got, ok := l.judged(); ok {
		l.Verdict = verdict(got, g)
	}
	if l.Verdict == missed && l.belowFloor() {
		l.Verdict = missed + ", below the floor"
	}
	return l
}

// belowFloor tells that the floor of the same run misses the bound too: no broker on this machine could keep it.
func (l Line) belowFloor() bool {
	if l.FloorSpread.N == 0 {
		return false
	}
	got := l.FloorSpread.Median
	if l.Against != "" {
		if l.KafkaSpread.N == 0 {
			return false
		}
		got /= l.KafkaSpread.Median
	}
	return verdict(got, l.Goal) == missed
}

const missed = "missed"

// judged is the number that the bound is held against.
func (l Line) judged() (float64, bool) {
	if l.Against == "" && l.Fastest == "" {
		return l.SkeinSpread.Median, l.SkeinSpread.N > 0
	}
	return l.Ratio, l.Ratio > 0
}

func verdict(got float64, g Goal) string {
	if g.AtLeast && got >= g.Bound || !g.AtLeast && got <= g.Bound {
		return "met"
	}
	return missed
}

// cells are the columns of a line as text.
func (l Line) cells() []string {
	ratio := ""
	if l.Ratio > 0 {
		ratio = fmt.Sprintf("%.2f", l.Ratio)
	}
	other := l.cell(l.KafkaSpread)
	if l.Other != "" {
		other = l.Other + ": " + other
	}
	return []string{l.Work + ", " + l.Unit, l.Text(), l.cell(l.FloorSpread), l.cell(l.SkeinSpread), other, ratio, l.Verdict}
}

var heads = []string{"work", "goal", "floor", "skein", "Kafka", "ratio", "verdict"}

func (l Line) cell(s Spread) string {
	switch s.N {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.*f", l.Digits, s.Median)
	}
	return fmt.Sprintf("%.*f (%.*f..%.*f)", l.Digits, s.Median, l.Digits, s.Min, l.Digits, s.Max)
}
