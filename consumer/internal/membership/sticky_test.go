package membership

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/internal/sim"
)

// TestMembersKeepTheirPartitions: when one of four members leaves, the others keep all that they had. Eager members have
// given it up before they join: what they had is in the user data of the assignor.
func TestMembersKeepTheirPartitions(t *testing.T) {
	for _, a := range []assign.Assignor{assign.Sticky(), assign.CooperativeSticky()} {
		t.Run(a.Name(), func(t *testing.T) {
			for seed := range uint64(10) {
				w := newSimWorld(seed, bug{})
				w.attack, w.cooperative, w.assignors = false, a.Cooperative(), []assign.Assignor{a}
				w.partitions = map[string]int32{"t0": 7, "t1": 6}
				w.coordinator = newSimCoordinator(w)
				for i := range 4 {
					s := &slot{name: fmt.Sprint("c", i), topics: []string{"t0", "t1"}}
					w.slots = append(w.slots, s)
					w.After(time.Duration(seed)*time.Second, func() { w.start(s) })
				}
				w.run(t, 40*time.Second)
				had := map[*process][]TopicPartition{}
				for _, p := range w.processes {
					had[p] = slices.Clone(p.m.Owned())
				}
				gone := w.processes[seed%4]
				gone.close(true)
				w.run(t, 80*time.Second)
				w.see.settled(w.joins())
				for _, p := range w.processes {
					for _, tp := range had[p] {
						if p != gone && !slices.Contains(p.m.Owned(), tp) {
							w.see.wrong("%s had %v and has %v", p.name, had[p], p.m.Owned())
							break
						}
					}
				}
				if w.Now() < sim.Instant(80*time.Second) || len(had[gone]) == 0 {
					t.Fatalf("seed %d: it ends at %v, and the member that left had %v", seed, w.Now(), had[gone])
				}
				report(t, w)
			}
		})
	}
}
