package onenode

import (
	"errors"
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim"
)

// node is the simulated machine with its disk, and the broker process on it while it lives.
type node struct {
	world   *world
	machine *sim.Node
	disk    *disk.Simulated
	rand    *sim.Rand
	life    *life // nil while the process is down
	lives   int
	stays   bool // the process is not started again
}

func newNode(w *world) *node {
	n := &node{world: w, machine: w.NewNode(brokerName), rand: w.Rand("node")}
	n.disk = disk.NewSimulated(disk.SimulatedOptions{Seed: w.Rand("disk").Uint64(), SpaceBytesMax: 1 << 30,
		Now: func() int64 { return w.Wall().UnixMilli() }})
	return n
}

// start starts the process. One that fails to start is started again, as a supervisor does.
func (n *node) start() {
	if n.machine.Alive() || n.stays {
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
		default:
			n.world.Notef("broker serves, life %d", n.lives)
			l.serve()
		}
	})
}

// notStarted judges why a start failed: after a fault of the disk it may, else it must not.
func (n *node) notStarted(err error) {
	n.world.Notef("broker does not start: %v", err)
	n.world.Reach("start failed")
	n.world.nemesis.afterGivingUp()
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) {
		n.world.Wrong("no-start", brokerName, "%v", err)
	}
	n.end(n.world.nemesis.lostNames(), n.rand.Between(100*time.Millisecond, time.Second))
}

// end ends the process: with the power, or as kill -9 does. It starts again after a while.
func (n *node) end(power bool, down time.Duration) {
	l := n.life
	if l == nil {
		return
	}
	w := n.world
	w.Disturbance++
	w.Notef("broker ends, power %v", power)
	l.Ended = true
	n.life = nil
	n.disk.SetHook(nil)
	n.machine.Crash()
	if power {
		n.disk = n.disk.Crash()
	} else {
		n.disk = n.disk.Kill()
	}
	w.After(0, l.release) // not now: it may be in the middle of something
	w.After(down, n.start)
}

// failed is called by a life that cannot go on, as the process that then exits.
func (n *node) failed(l *life, reason error) {
	if l.Ended || l.dying {
		return
	}
	l.dying = true
	n.world.Notef("broker fails: %v", reason)
	n.world.Reach("process gave up")
	n.world.nemesis.afterGivingUp()
	power := n.world.Attack && n.world.options.Power && n.rand.Chance(300) || n.world.nemesis.lostNames()
	n.machine.After(n.rand.Between(0, 20*time.Millisecond), func() {
		if n.life == l {
			n.end(power, n.rand.Between(0, time.Second))
		}
	})
}
