package cluster

import (
	"testing"

	"github.com/skein-io/skein/internal/sim/scene"
)

// plantedSeeds is within how many seeds each planted bug must be found.
const plantedSeeds = 1000

// foundBy is a seed that finds a bug, to be tried first; without one the search begins at 0.
var foundBy = map[scene.Bug]uint64{}

// TestPlantedBugs plants each bug in turn: a checker must find it. It shows that the checkers, and the faults that the
// nemesis makes, are worth something.
func TestPlantedBugs(t *testing.T) {
	for _, bug := range Bugs {
		t.Run(string(bug), func(t *testing.T) {
			for i := range uint64(plantedSeeds) {
				o := Draw((foundBy[bug] + i) % plantedSeeds)
				o.Bug = bug
				if r := Run(o); r.Failed() {
					t.Logf("seed %d: %v", r.Seed, r.Findings[0])
					return
				}
			}
			t.Fatalf("not found within %d seeds", plantedSeeds)
		})
	}
}
