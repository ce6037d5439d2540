package nemesis

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

// seedsDefault is how many seeds run when nothing is said.
const seedsDefault = 10

// TestNemesis runs seeds, each in a bubble of its own.
func TestNemesis(t *testing.T) {
	first, n := uint64(0), uint64(seedsDefault)
	if one, err := strconv.ParseUint(os.Getenv("SKEIN_SEED"), 10, 64); err == nil {
		first, n = one, 1
	} else if many, err := strconv.ParseUint(os.Getenv("SKEIN_SEEDS"), 10, 64); err == nil {
		n = many
	}
	if tagged, race := built(); !tagged {
		again(t, race)
		return
	}
	reached := map[string]int{}
	for seed := first; seed < first+n; seed++ {
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
		t.Logf("%4d of %d seeds: %s", reached[h.name], n, h.name)
	}
}
