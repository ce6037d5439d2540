package scene

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/skein-io/skein/internal/sim/check"
)

// Result is what a run showed.
type Result struct {
	Seed     uint64
	Options  string // all of them, in one line
	Findings []check.Finding
	History  []check.Operation
	Reached  map[string]int // how often named states were reached
	Sum      uint64         // of the trace
	Lines    uint64
	Trace    []string // the end of it
}

// Result judges the run by what was found and by the history.
func (w *World) Result(seed uint64, options string) *Result {
	history := w.Recorder.History()
	w.judged.Complete = len(w.findings) == 0
	findings := append(w.findings, check.All(history, w.judged)...)
	return &Result{Seed: seed, Options: options, Findings: findings, History: history, Reached: w.reached,
		Sum: w.Trace().Sum(), Lines: w.Trace().Count(), Trace: w.Trace().Lines()}
}

// Failed says whether anything was found.
func (r *Result) Failed() bool { return len(r.Findings) > 0 }

// Report says what was found, and how to see it again.
func (r *Result) Report(traceLines int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "commit %s, seed %d, options %s\n", commit(), r.Seed, r.Options)
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
		for _, i := range f.Operations {
			if i >= 0 && i < len(r.History) {
				line, _ := json.Marshal(&r.History[i]) // plain values
				fmt.Fprintf(&b, "    operation %d: %s\n", i, line)
			}
		}
	}
	fmt.Fprintf(&b, "--- the end of the trace; again with SKEIN_SEED=%d\n", r.Seed)
	b.WriteString(strings.Join(r.Trace[max(0, len(r.Trace)-traceLines):], "\n"))
	return b.String()
}
