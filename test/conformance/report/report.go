// Package report tells what came of each row of the checklist, as text and as
// JSON, and the score. It asks no broker anything. Start at Report.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Verdict is what came of a row.
type Verdict string

// Verdicts. Only Pass and Miss count in the score.
const (
	Pass Verdict = "pass"
	Miss Verdict = "miss"
	// Skipped: a setting of this broker, or the time that it would take, hides the row.
	Skipped Verdict = "skipped"
	// NotOffered: the broker does not offer what the row is about.
	NotOffered Verdict = "not offered"
	// NotBlackBox: nobody can see it from outside, on any broker.
	NotBlackBox Verdict = "not black-box"
)

// Result is one row's.
type Result struct {
	ID      string  `json:"id"`
	Asks    string  `json:"asks"`
	Verdict Verdict `json:"verdict"`
	// Detail is what was expected and what came, or the reason of a verdict
	// that does not count. A pass has one where the answer is not Kafka's own
	// but serves a client as well, or where the first try missed.
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Report is one run against one broker.
type Report struct {
	Broker  string        `json:"broker"`
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"-"`
	Results []Result      `json:"results"`
}

// Count returns how many rows have a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Verdict == v {
			n++
		}
	}
	return n
}

// Score is the share of the rows asked that passed, in words.
func (r *Report) Score() string {
	pass, miss := r.Count(Pass), r.Count(Miss)
	parts := []string{fmt.Sprintf("%d of %d rows pass", pass, pass+miss)}
	for _, v := range []Verdict{Miss, Skipped, NotOffered, NotBlackBox} {
		if n := r.Count(v); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// Text writes a line for each row and the score.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	for i := range r.Results {
		one := &r.Results[i]
		fmt.Fprintf(&b, "%-4s %-13s %s\n", one.ID, one.Verdict, one.Asks)
		if one.Detail != "" {
			fmt.Fprintf(&b, "%18s %s\n", "", strings.ReplaceAll(one.Detail, "\n", "\n"+strings.Repeat(" ", 19)))
		}
	}
	fmt.Fprintf(&b, "\n%s: %s, in %v\n", r.Broker, r.Score(), r.Took.Round(100*time.Millisecond))
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes the whole report as one document.
func (r *Report) JSON(w io.Writer) error {
	counts := map[Verdict]int{}
	for _, v := range []Verdict{Pass, Miss, Skipped, NotOffered, NotBlackBox} {
		counts[v] = r.Count(v)
	}
	text, err := json.MarshalIndent(struct {
		*Report
		Score   string          `json:"score"`
		Counts  map[Verdict]int `json:"counts"`
		Seconds float64         `json:"seconds"`
	}{r, r.Score(), counts, r.Took.Seconds()}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
