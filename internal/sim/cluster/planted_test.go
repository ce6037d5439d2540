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
	planted(t, Bugs, func(seed uint64) Options { return Draw(seed) })
}

// TestPlantedBugsOnZooKeeper plants those that only a quorum on ZooKeeper has.
func TestPlantedBugsOnZooKeeper(t *testing.T) {
	if !plantsBugs {
		t.Skip("under the race detector; make histories runs it without")
	}
	planted(t, ZooKeeperBugs, DrawZooKeeper)
	planted(t, GrowthBugs, DrawGrowing)
}

// planted looks for a seed that shows each bug.
func planted(t *testing.T, bugs []scene.Bug, draw func(seed uint64) Options) {
	for _, bug := range bugs {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			for i := range uint64(plantedSeeds) {
				o := draw((foundBy[bug] + i) % plantedSeeds)
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

// TestTheEpochIsEnough: where no node knows when its session ends, former controllers still write nothing: what keeps them from
// it is not the clock.
func TestTheEpochIsEnough(t *testing.T) {
	for seed := range uint64(seedsDefault) {
		o := DrawZooKeeper(seed)
		o.Bug, o.Pause, o.Cuts = FenceForgotten, true, true
		r := Run(o)
		for _, f := range r.Findings {
			switch f.Class {
			case "former-controller", "controller-epoch", "images", "epoch-back", "two-leaders", "lost-write":
				t.Errorf("seed %d: %v", seed, f)
			}
		}
	}
}
