package onenode

import (
	"testing"

	"github.com/skein-io/skein/internal/sim/broker"
)

// plantedSeeds is within how many seeds each planted bug must be found.
const plantedSeeds = 200

// foundBy is a seed that finds a bug, to be tried first; without one the search begins at 0.
var foundBy = map[Bug]uint64{broker.DirectoryNotSynced: 2, broker.WindowOfOne: 7, broker.ReadAboveWatermark: 1, broker.CommitBeforeCommitted: 1, broker.AppendedIsCommitted: 5, broker.OffsetsExpireEarly: 2,
	broker.WallClockSessions: 6, broker.OneMemberID: 4, broker.InstanceNotFenced: 9, broker.GenerationNotCompared: 3}

// TestPlantedBugs plants each bug in turn: a checker must find it. It shows that the checkers, and the faults that the
// nemesis makes, are worth something.
func TestPlantedBugs(t *testing.T) {
	for _, bug := range Bugs {
		t.Run(string(bug), func(t *testing.T) {
			for i := range uint64(plantedSeeds) {
				o := Draw((foundBy[bug] + i) % plantedSeeds)
				o.Bug = bug
				if r := Run(o); r.Failed() {
					t.Logf("seed %d: %v", o.Seed, r.Findings[0])
					return
				}
			}
			t.Fatalf("not found within %d seeds", plantedSeeds)
		})
	}
}
