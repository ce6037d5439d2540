package tour

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

// chooser is a person who chooses faults at random.
type chooser struct {
	Quiet
	random *rand.Rand
	left   int
	order  string
}

func (c *chooser) Choose(faults []Step) (*Step, bool, error) {
	if c.left == 0 {
		return nil, true, nil
	}
	c.left--
	f := &faults[c.random.IntN(len(faults))]
	c.order += string(f.Key)
	return f, true, nil
}

// TestFaultsInAnyOrder: whatever is chosen at the terminal, as often as wanted, every fact holds.
func TestFaultsInAnyOrder(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := &chooser{random: rand.New(rand.NewPCG(seed, 1)), left: 8}
			if result := playInBubble(t, membersScene, "en", c); !result.OK {
				t.Errorf("seed %d, faults %s: %s", seed, c.order, result.Error)
				for _, f := range result.Facts {
					if !f.OK {
						t.Errorf("%s %s: got %v, want %v", f.Step, f.Name, f.Got, f.Want)
					}
				}
			}
		})
	}
}
