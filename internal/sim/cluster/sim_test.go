package cluster

import (
	"os"
	"strconv"
	"testing"

	"github.com/skein-io/skein/internal/sim/scene"
)

// seeds is how many seeds a test runs: SKEIN_SEEDS, or fewer when nothing is said.
func seeds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("SKEIN_SEEDS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// After so many seeds that failed TestSim gives up, and so many lines of a trace it prints of each.
const (
	failuresMax  = 3
	tracePrinted = 40
)

// TestSim runs seeds; SKEIN_SEEDS=n runs more, SKEIN_FIRST=n begins there, SKEIN_SEED=n one of them, with its trace, and with
// the bug SKEIN_BUG if that is set. One seed in fifty runs twice and
// must make the same history.
func TestSim(t *testing.T) {
	if one, err := strconv.ParseUint(os.Getenv("SKEIN_SEED"), 10, 64); err == nil {
		o := Draw(one)
		o.TraceLines, o.Bug = 200_000, scene.Bug(os.Getenv("SKEIN_BUG"))
		r := Run(o)
		t.Log(r.Report(o.TraceLines))
		if r.Failed() {
			t.Fail()
		}
		return
	}
	n, first := seeds(seedsDefault), uint64(0)
	if from, err := strconv.ParseUint(os.Getenv("SKEIN_FIRST"), 10, 64); err == nil {
		first = from
	}
	reached, failed := map[string]int{}, 0
	for seed := first; seed < first+uint64(n); seed++ {
		r := Run(Draw(seed))
		if r.Failed() {
			if failed++; failed > failuresMax {
				t.Fatalf("seed %d fails too: %v", seed, r.Findings[0])
			}
			t.Error(r.Report(tracePrinted))
			continue
		}
		for state := range r.Reached {
			reached[state]++
		}
		if seed%50 == 0 {
			runAgain(t, Draw(seed), r)
		}
	}
	for state, count := range reached {
		t.Logf("%4d of %d seeds: %s", count, n, state)
	}
}

// runAgain: the same seed makes the same history.
func runAgain(t *testing.T, o Options, r *scene.Result) {
	t.Helper()
	again := Run(o)
	if again.Sum != r.Sum || again.Lines != r.Lines {
		t.Fatalf("seed %d: a trace of %d lines with the sum %x, then one of %d with %x; options %v",
			r.Seed, r.Lines, r.Sum, again.Lines, again.Sum, r.Options)
	}
}
