package nemesis

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/sim/seeds"
)

// seedsDefault is how many seeds run when nothing is said.
const seedsDefault = 10

// TestNemesis runs seeds, each in a bubble of its own.
func TestNemesis(t *testing.T) {
	chosen := seeds.Chosen(t, seedsDefault)
	if tagged, race := built(); !tagged {
		again(t, race)
		return
	}
	reached := map[string]int{}
	for seed := range chosen.All() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, draw(seed))
				w.run()
				for harm := range w.nemesis.done {
					reached[harm]++
				}
			})
		})
	}
	for _, h := range harms {
		t.Logf("%4d of %d seeds: %s", reached[h.name], chosen.Count, h.name)
	}
}
