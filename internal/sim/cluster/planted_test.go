package cluster

import "testing"

// plantedSeeds is within how many seeds each planted bug must be found.
const plantedSeeds = 1000

// TestPlantedBugs plants each bug in turn: a checker must find it. It shows that the checkers, and the faults that the
// nemesis makes, are worth something.
func TestPlantedBugs(t *testing.T) {
	for _, bug := range Bugs {
		t.Run(string(bug), func(t *testing.T) {
			for i := range uint64(plantedSeeds) {
				o := Draw(i)
				o.Bug, o.Clients.Committers = bug, 2 // they are few, and some bugs show in what they commit alone
				if r := Run(o); r.Failed() {
					t.Logf("seed %d: %v", r.Seed, r.Findings[0])
					return
				}
			}
			t.Fatalf("not found within %d seeds", plantedSeeds)
		})
	}
}
