package cluster

import (
	"testing"

	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/scene"
)

// plantedSeeds is within how many seeds each planted bug must be found.
const plantedSeeds = 1000

// foundBy is a seed that shows a bug, of those that the first few do not: the search begins there.
var foundBy = map[scene.Bug]uint64{RotIsCut: 3, DamageConcealed: 5, DivergenceUnchecked: 5, broker.RefusesAppended: 5, broker.SyncErrorIgnored: 6,
	ReportsUnsynced: 8, broker.TruncatedIsCommitted: 12, broker.ReadAboveWatermark: 13, broker.DirectoryNotSynced: 20,
	broker.OffsetsExpireEarly: 19, broker.UnsettledOffsets: 25, broker.InstanceNotFenced: 28, GrowsUnchecked: 47,
	broker.GenerationNotCompared: 59, broker.WallClockSessions: 119, LeadsOn: 133, LeaseIgnored: 287}

// TestPlantedBugs plants each bug in turn: a checker must find it, and nothing where it is not. It shows that the checkers,
// and the faults that the nemesis makes, are worth something.
func TestPlantedBugs(t *testing.T) {
	if !plantsBugs {
		t.Skip("under the race detector; make histories runs it without")
	}
	for _, bug := range Bugs {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			for i := range uint64(plantedSeeds) {
				o := Draw((foundBy[bug] + i) % plantedSeeds)
				o.Bug, o.Clients.Committers = bug, 2 // they are few, and some bugs show in what they commit alone
				r := Run(o)
				if !r.Failed() {
					continue
				}
				o.Bug = scene.None
				if without := Run(o); without.Failed() {
					t.Fatalf("seed %d: %v without the bug", o.Seed, without.Findings[0])
				}
				t.Logf("%s: seed %d: %v", bug, r.Seed, r.Findings[0])
				return
			}
			t.Fatalf("not found within %d seeds", plantedSeeds)
		})
	}
}
