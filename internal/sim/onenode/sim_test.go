package onenode

import (
	"testing"

	"github.com/skein-io/skein/internal/sim/scene"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// TestSim runs seeds; see package seeds. One seed in ten runs twice and must make the same history.
func TestSim(t *testing.T) {
	chosen := seeds.Chosen(t, seedsDefault)
	if chosen.One {
		o := Draw(chosen.First)
		o.TraceLines = 100_000
		r := Run(o)
		t.Log(r.Report(o.TraceLines))
		if r.Failed() {
			t.Fail()
		}
		return
	}
	n := chosen.Count
	reached := map[string]int{}
	for seed := range chosen.All() {
		r := Run(Draw(seed))
		if r.Failed() {
			t.Fatal(r.Report(60))
		}
		for state := range r.Reached {
			reached[state]++
		}
		if seed%10 == 0 {
			runAgain(t, Draw(seed), r)
		}
	}
	for _, state := range States {
		t.Logf("%4d of %d seeds: %s", reached[state], n, state)
		if n >= 200 && reached[state] == 0 {
			t.Errorf("no seed reached the state %q", state)
		}
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
