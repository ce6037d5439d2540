package cluster

import (
	"testing"

	"github.com/skein-io/skein/internal/sim/scene"
)

// plantedSeeds is within how many seeds each planted bug must be found.
const plantedSeeds = 1000

// TestPlantedBugs plants each bug in turn: a checker must find it, and nothing where it is not. It shows that the checkers, and the faults that the
// nemesis makes, are worth something.
func TestPlantedBugs(t *testing.T) {
	if !plantsBugs {
		t.Skip("under the race detector; make histories runs it without")
	}
	for _, bug := range Bugs {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			for i := range uint64(plantedSeeds) {
				o := Draw(i)
				o.Bug, o.Clients.Committers = bug, 2 // they are few, and some bugs show in what they commit alone
				r := Run(o)
				if !r.Failed() {
					continue
				}
				o.Bug = scene.None
				if without := Run(o); without.Failed() {
					t.Fatalf("seed %d: %v without the bug", o.Seed, without.Findings[0])
				}
				t.Logf("seed %d: %v", r.Seed, r.Findings[0])
				return
			}
			t.Fatalf("not found within %d seeds", plantedSeeds)
		})
	}
}
