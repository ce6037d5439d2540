package cluster

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// node is one simulated machine with its disk, and the process on it while it lives.
type node struct {
	world   *world
	id      metadata.NodeID
	machine *sim.Node
	disk    *disk.Simulated
	rand    *sim.Rand
	life    *life // nil while the process is down
	lives   int
	slow    bool                                      // its disk is
	absent  bool                                      // it has not come yet, or has left for good
	hooked  bool                                      // an operation of its disk will be its last
	vouched map[metadata.TopicPartition]record.Offset // below which the durable mark on the disk vouches for the logs
	config  *config.Broker
}

// diskBytes is the room of a disk.
const diskBytes = 1 << 30

func newNode(w *world, id metadata.NodeID) *node {
	name := machineName(id)
	n := &node{world: w, id: id, machine: w.NewNode(name), rand: w.Rand("node/" + name), vouched: map[metadata.TopicPartition]record.Offset{}}
	n.disk = disk.NewSimulated(disk.SimulatedOptions{Seed: w.Rand("disk/" + name).Uint64(), SpaceBytesMax: diskBytes,
		Now: func() int64 { return w.Wall().UnixMilli() }})
	n.config = n.configuration()
	return n
}

// start starts the process. One that fails to start is started again, as a supervisor does.
func (n *node) start() {
	if n.machine.Alive() || n.absent {
		return
	}
	n.machine.Start(func() {
		n.lives++
		l := newLife(n)
		n.life = l
		err := l.open()
		switch {
		case l.Ended: // it was killed on the way
		case err != nil:
			n.notStarted(err)
		}
	})
}

// notStarted judges why a start failed: after a fault of the disk it may, else it must not.
func (n *node) notStarted(err error) {
	n.world.Notef("%s does not start: %v", n.machine.Name(), err)
	n.world.Reach("start failed")
	if !n.world.ofTheDisk(err) {
		n.world.Wrong("no-start", n.machine.Name(), "%v", err)
	}
	n.end(false, n.rand.Between(100*time.Millisecond, time.Second))
}

// end ends the process: with the power, or as kill -9 does. It starts again after a while.
func (n *node) end(power bool, down time.Duration) {
	l := n.life
	if l == nil {
		return
	}
	w := n.world
	w.Disturbance++
	w.Notef("%s ends, power %v", n.machine.Name(), power)
	w.judge.ends(n, l)
	l.Ended = true
	n.life = nil
	n.disk.SetHook(nil)
	n.hooked = false
	n.machine.Crash()
	if power {
		n.disk = n.disk.Crash()
	} else {
		n.disk = n.disk.Kill()
	}
	w.After(down, n.start)
}

// failed is called by a life that cannot go on, as the process that then exits.
func (n *node) failed(l *life, reason error) {
	if l.Ended || l.dying {
		return
	}
	l.dying = true
	n.world.Notef("%s fails: %v", n.machine.Name(), reason)
	n.world.Reach("process gave up")
	ends := 20 * time.Millisecond
	switch {
	case !n.world.ofTheDisk(reason):
		n.world.Wrong("gave-up", n.machine.Name(), "%v", reason)
	case l.dir != nil && l.dir.Offline() != nil:
		n.world.Reach("log directory offline")
		ends = offlineMax
	}
	n.machine.After(n.rand.Between(0, ends), func() {
		if n.life == l {
			n.end(false, n.rand.Between(0, time.Second))
		}
	})
}

// String names the node and its process.
func (n *node) String() string { return fmt.Sprintf("%s.%d", n.machine.Name(), n.lives) }
