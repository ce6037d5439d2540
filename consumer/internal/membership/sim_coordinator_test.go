package membership

import (
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/coordinator"
)

const simGroup = "g"

// simCoordinator is the group's coordinator on one of two nodes, which may not be reached.
type simCoordinator struct {
	*coordinator.Coordinator
	w    *simWorld
	rand *sim.Rand
	cut  [2]bool
}

func newSimCoordinator(w *simWorld) *simCoordinator {
	c := &simCoordinator{w: w, rand: w.Rand("coordinator")}
	cfg := group.DefaultConfig()
	cfg.InitialDelay = time.Duration(c.rand.IntN(2)) * 500 * time.Millisecond
	cfg.JoinSettle = time.Duration(c.rand.IntN(2)) * 20 * time.Millisecond
	cfg.HoldHeartbeats = c.rand.Chance(500)
	cfg.CleanupInterval = 0
	c.Coordinator = coordinator.New(coordinator.Config{
		Group: cfg,
		Now:   func() time.Duration { return time.Duration(w.Now()) },
		After: func(d time.Duration, f func()) func() {
			timer := w.After(d, f)
			return func() { timer.Stop() }
		},
		Noted: func(n group.Note) {
			if n.Kind == group.GenerationStable {
				w.see.stable = n.Generation
			}
			w.Notef("coordinator: %v, member %s, generation %d of %d: %s", n.Kind, n.Member, n.Generation, n.Members, n.Reason)
		},
	})
	return c
}

// move gives the group to the other node, which loads for a while.
func (c *simCoordinator) move() {
	c.w.Notef("the coordinator moves to node %d", 1-c.Node())
	c.Move(1-c.Node(), c.rand.Between(0, 2*time.Second))
	c.w.see.moved()
}

// arrive takes a request at a node. An answer is given to reply once, or never.
func (c *simCoordinator) arrive(node int, e group.Event, token group.Token, reply func(group.Body)) {
	if !c.cut[node] {
		c.Arrive(node, e, token, reply)
	}
}
