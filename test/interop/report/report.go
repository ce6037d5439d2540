// Package report collects what each scenario found for each family and prints
// it, as a table and as JSON. It runs nothing. Start at Book.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Verdicts of a Result.
const (
	Pass = "pass"
	Fail = "FAIL"
	// Again is a pass at the second try, alone.
	Again = "again"
	None  = "-" // the library or the broker cannot do it
)

// Result is one scenario of one family on one broker.
type Result struct {
	Broker   string            `json:"broker"`
	Family   string            `json:"family"`
	Library  string            `json:"library"`
	Scenario string            `json:"scenario"`
	Verdict  string            `json:"verdict"`
	Reason   string            `json:"reason,omitempty"`
	Notes    map[string]string `json:"notes,omitempty"`
	Seconds  float64           `json:"seconds"`
}

// Book is the collection. It is safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	results []Result
}

// Add keeps a result and prints one line about it.
func (b *Book) Add(r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, r)
	fmt.Fprintf(os.Stderr, "%s %-6s %-16s %-10s %-4s %5.1fs %s\n",
		time.Now().Format("15:04:05"), r.Broker, r.Family, r.Scenario, r.Verdict, r.Seconds, firstLine(r.Reason))
}

// Failed returns the failed results of a broker.
func (b *Book) Failed(broker string) []Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	var failed []Result
	for _, r := range b.results {
		if r.Broker == broker && r.Verdict == Fail {
			failed = append(failed, r)
		}
	}
	return failed
}

// PassedAgain replaces a failed result by its second try. The reason of the first stays.
func (b *Book) PassedAgain(failed Result, notes map[string]string, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.results {
		r := &b.results[i]
		if r.Broker == failed.Broker && r.Family == failed.Family && r.Scenario == failed.Scenario {
			r.Verdict, r.Notes, r.Seconds = Again, notes, took.Seconds()
		}
	}
	fmt.Fprintf(os.Stderr, "%s %-6s %-16s %-10s %-4s %5.1fs alone\n",
		time.Now().Format("15:04:05"), failed.Broker, failed.Family, failed.Scenario, Again, took.Seconds())
}

// Failures counts the failed results.
func (b *Book) Failures() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.results {
		if r.Verdict == Fail {
			n++
		}
	}
	return n
}

// Table prints families down and scenarios across, then the failures.
func (b *Book) Table(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, broker := range b.distinct(func(r Result) string { return r.Broker }) {
		b.table(w, broker)
	}
	for _, r := range b.results {
		if r.Verdict != Pass && r.Reason != "" {
			fmt.Fprintf(w, "\n%s %s, %s, %s:\n  %s\n", r.Verdict, r.Broker, r.Family, r.Scenario, strings.ReplaceAll(r.Reason, "\n", "\n  "))
		}
	}
}

func (b *Book) table(w io.Writer, broker string) {
	scenarios := b.distinct(func(r Result) string { return r.Scenario })
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	fmt.Fprintf(t, "\n%s\t%s\n", broker, strings.Join(scenarios, "\t"))
	for _, family := range b.distinct(func(r Result) string { return r.Family }) {
		cells := make([]string, 0, len(scenarios))
		for _, s := range scenarios {
			cells = append(cells, b.cell(broker, family, s))
		}
		fmt.Fprintf(t, "%s\t%s\n", family, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // to a terminal or a buffer
}

func (b *Book) cell(broker, family, scenario string) string {
	for _, r := range b.results {
		if r.Broker == broker && r.Family == family && r.Scenario == scenario {
			return r.Verdict
		}
	}
	return ""
}

// distinct returns the different values of a field in order of appearance.
func (b *Book) distinct(field func(Result) string) []string {
	var all []string
	for _, r := range b.results {
		if v := field(r); !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// WriteJSON writes all results to a file.
func (b *Book) WriteJSON(path string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := json.MarshalIndent(b.results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line[:min(len(line), 160)]
}
