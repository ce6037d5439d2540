package nemesis

import (
	"time"

	"github.com/skein-io/skein/skeintest"
)

// machine is one node as the nemesis drives it: one thing after the other, on a goroutine of its own while it lasts.
type machine struct {
	world *world
	id    int
	node  *skeintest.Node
	busy  chan struct{} // holds one while something is done
}

func newMachine(w *world, id int) *machine {
	return &machine{world: w, id: id, node: w.node.Node(id), busy: make(chan struct{}, 1)}
}

// begin does something with the node in the background, unless something is being done already.
func (m *machine) begin(do func()) bool {
	select {
	case m.busy <- struct{}{}:
	default:
		return false
	}
	go func() {
		defer func() { <-m.busy }()
		do()
	}()
	return true
}

// await waits until nothing is being done.
func (m *machine) await() {
	select {
	case m.busy <- struct{}{}:
		<-m.busy
	case <-time.After(5 * time.Minute):
		m.world.fail("node %d has not come back", m.id)
	}
}

func (m *machine) crash() { m.node.Crash() }
func (m *machine) kill()  { m.node.Kill() }
func (m *machine) stop() {
	begun := time.Now()
	m.node.Stop()
	m.world.journal.note("node %d has stopped after %v", m.id, time.Since(begun))
}
func (m *machine) failSync() { m.node.FailSync() }

func (m *machine) open() {
	begun := time.Now()
	m.node.Open()
	m.world.journal.note("node %d is back after %v", m.id, time.Since(begun))
}
