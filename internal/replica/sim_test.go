package replica

import (
	"flag"
	"testing"
)

var seeds = flag.Int("seeds", 200, "how many seeds TestSimulation runs")

// TestSimulation runs seeded histories of a partition with 3 to 5 replicas under crashes that lose what is not durable, cut
// links and slow disks, and looks at every step whether a promise is broken.
func TestSimulation(t *testing.T) {
	states := map[string]int{}
	for seed := range uint64(*seeds) {
		w := runSim(seed, bug{})
		if len(w.see.found) > 0 {
			t.Fatalf("seed %d: %s", seed, w.see.found[0])
		}
		for state, n := range w.see.states {
			states[state] += n
		}
	}
	for _, state := range []string{"led", "joined", "cut", "offset not available"} {
		if states[state] < *seeds/10 {
			t.Errorf("%q was reached %d times in %d seeds: the histories are too tame", state, states[state], *seeds)
		}
	}
}

// TestSimulationReplays: a seed makes the same history again.
func TestSimulationReplays(t *testing.T) {
	for seed := range uint64(5) {
		a, b := runSim(seed, bug{}), runSim(seed, bug{})
		if len(a.see.ledger) != len(b.see.ledger) || a.Pending() != b.Pending() || a.ctl.version != b.ctl.version {
			t.Errorf("seed %d went two ways", seed)
		}
	}
}
