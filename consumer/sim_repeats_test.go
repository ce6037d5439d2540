//go:build !race

package consumer

import "testing"

// simSeedsDefault is how many seeds run when nothing is said.
const simSeedsDefault = 200

// TestSimRepeats: the same seed makes the same history more often than not. What the runtime decides is left: timers of the
// same instant, the ready case that a select takes.
func TestSimRepeats(t *testing.T) {
	oneProcessor(t)
	const n = 20
	same := 0
	for seed := range uint64(n) {
		a, b := runSim(t, seed, simBug{}), runSim(t, seed, simBug{})
		if a.sum() == b.sum() {
			same++
		}
	}
	t.Logf("%d of %d seeds made the same history twice", same, n)
	if same < n/4 {
		t.Errorf("a seed says little of what happens")
	}
}
