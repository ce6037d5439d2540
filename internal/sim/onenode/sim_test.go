package onenode

import (
	"os"
	"strconv"
	"testing"
)

// seeds is how many seeds a test runs: SKEIN_SEEDS, or fewer when nothing is said.
func seeds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("SKEIN_SEEDS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// TestSim runs seeds; SKEIN_SEEDS=n runs more, SKEIN_SEED=n one of them, with the end of its trace. One seed in ten runs
// twice and must make the same history.
func TestSim(t *testing.T) {
	if one, err := strconv.ParseUint(os.Getenv("SKEIN_SEED"), 10, 64); err == nil {
		o := Draw(one)
		o.TraceLines = 100_000
		t.Log(Run(o).Report(o.TraceLines))
		return
	}
	for seed := range uint64(seeds(20)) {
		r := Run(Draw(seed))
		if r.Failed() {
			t.Fatal(r.Report(60))
		}
		if seed%10 != 0 {
			continue
		}
		if again := Run(Draw(seed)); again.Sum != r.Sum || again.Lines != r.Lines {
			t.Fatalf("seed %d: a trace of %d lines with the sum %x, then one of %d with %x; options %v", seed, r.Lines, r.Sum, again.Lines, again.Sum, r.Options)
		}
	}
}
