package onenode

import (
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/clients"
)

// diskBytes is the room of the disk when nobody takes it away.
const diskBytes = 1 << 30

// nemesis does harm, one thing after the other, of the kinds that the options allow.
type nemesis struct {
	world    *world
	rand     *sim.Rand
	harms    []func()
	slowDisk bool
}

func newNemesis(w *world) *nemesis {
	n := &nemesis{world: w, rand: w.Rand("nemesis")}
	o := w.options
	for _, h := range []struct {
		on   bool
		harm func()
	}{
		{o.Power, n.power}, {o.Power, n.powerWithin}, {o.Kill, n.kill}, {o.Kill, n.killWithin}, {o.FailSync, n.failSync},
		{o.FailWrite, n.failWrite}, {o.FullDisk, n.fillDisk}, {o.Clock, n.moveClock}, {o.Cuts, n.cut}, {o.Cuts, n.reset},
		{o.Pause, n.pause}, {o.SlowDisk, n.slow}, {o.Misbehave, n.misbehave}, {o.Misbehave, n.misbehave},
	} {
		if h.on {
			n.harms = append(n.harms, h.harm)
		}
	}
	return n
}

// begin does harm until the attack is over.
func (n *nemesis) begin() {
	if len(n.harms) == 0 {
		return
	}
	n.world.After(n.rand.Between(100*time.Millisecond, 2*time.Second), func() {
		if n.world.Attack {
			n.harms[n.rand.IntN(len(n.harms))]()
			n.begin()
		}
	})
}

// firstStart ends some first starts on their way, and takes the power away soon after.
func (n *nemesis) firstStart() {
	o := n.world.options
	if !o.Kill && !o.Power || n.rand.Chance(600) {
		return
	}
	n.endWithin(!o.Kill)
	n.then(0, 3*time.Second, n.power)
}

// failAt lets one operation fail. Some time after the node gave up by that, the power goes.
func (n *nemesis) failAt(op disk.Op, k int) {
	n.world.node.disk.FailAt(op, k, syscall.EIO)
}

func (n *nemesis) afterGivingUp() {
	if n.world.options.FailAt > 0 {
		n.then(time.Second, 2*time.Second, n.power)
	}
}

// lostNames says that names may be in the page cache alone and pass for written, as after a failed syncfs. A process can
// do nothing about that: the machine has to be restarted (docs/adr/0003-syncer.md).
func (n *nemesis) lostNames() bool {
	return n.world.options.FailOp == disk.OpSyncAll && n.world.options.FailAt > 0 && n.world.node.disk.Fired() > 0
}

// then does something later, if the attack is still on.
func (n *nemesis) then(low, high time.Duration, do func()) {
	n.world.After(n.rand.Between(low, high), func() {
		if n.world.Attack {
			do()
		}
	})
}

func (n *nemesis) down() time.Duration { return n.rand.Between(0, 1500*time.Millisecond) }

func (n *nemesis) power() { n.world.node.end(true, n.down()) }
func (n *nemesis) kill()  { n.world.node.end(false, n.down()) }

func (n *nemesis) powerWithin() { n.endWithin(true) }
func (n *nemesis) killWithin()  { n.endWithin(false) }

// endWithin ends the process right before one of its next operations on the disk, wherever it is then.
func (n *nemesis) endWithin(power bool) {
	left := 1 + n.rand.IntN(80)
	node := n.world.node
	node.disk.SetHook(func(c disk.Call) error {
		if left--; left == 0 && node.life != nil {
			n.world.Notef("ends before %v %s", c.Op, c.Name)
			n.world.Reach("ended within an operation")
			node.end(power, n.down())
		}
		return nil
	})
}

// failSync lets one of the next syncs fail. The process must end by that; some time later the power goes, and what was
// acknowledged after the restart must be there although the kernel had taken the pages of the failed sync for clean. Syncs
// of directories do not fail here: a file system whose directories cannot be written takes no writes from then on.
func (n *nemesis) failSync() {
	n.world.Notef("a sync will fail")
	n.world.node.disk.Inject(disk.Fault{Op: disk.OpSync, Skip: n.rand.IntN(8), Err: syscall.EIO})
	if n.rand.Chance(700) {
		n.then(time.Second, 4*time.Second, n.power)
	}
}

// failWrite lets one of the next writes or reads fail, a write perhaps after some of its bytes.
func (n *nemesis) failWrite() {
	f := disk.Fault{Op: disk.OpWrite, Skip: n.rand.IntN(30), Err: syscall.EIO, Short: n.rand.IntN(100)}
	switch {
	case n.rand.Chance(400):
		f.Err = syscall.ENOSPC
	case n.rand.Chance(200):
		f.Op, f.Short = disk.OpRead, 0
	}
	n.world.Notef("a %v will fail: %v", f.Op, f.Err)
	n.world.node.disk.Inject(f)
}

// fillDisk leaves less room than the floor, or none at all.
func (n *nemesis) fillDisk() {
	space, err := n.world.node.disk.Space()
	if err != nil {
		return
	}
	left := uint64(0)
	if n.rand.Chance(700) {
		left = uint64(n.rand.IntN(freeBytesFloor))
	}
	n.world.Notef("the disk has room for %d bytes", left)
	n.world.Reach("disk full")
	n.setSpace(space.Total - space.Free + left)
	n.world.After(n.rand.Between(time.Second, 5*time.Second), func() { n.setSpace(diskBytes) })
}

func (n *nemesis) setSpace(bytesMax uint64) {
	n.world.Notef("disk of %d bytes", bytesMax)
	n.world.node.disk.SetSpace(bytesMax)
}

// moveClock lets the broker's clocks go fast or slow, or sets its wall clock.
func (n *nemesis) moveClock() {
	m := n.world.node.machine
	if n.rand.Chance(500) {
		m.SetWallOffset(n.rand.Between(0, 2*time.Hour) - time.Hour)
		n.world.Notef("wall clock shows %v", m.Wall())
		return
	}
	n.world.Disturbance++
	m.SetRate(500_000 + n.rand.Int64N(1_500_000))
	n.then(time.Second, 8*time.Second, func() {
		n.world.Disturbance++
		m.SetRate(1_000_000)
	})
}

func (n *nemesis) victim() *clients.Client {
	all := n.world.crowd.Clients()
	return all[n.rand.IntN(len(all))]
}

// cut stops what goes between the broker and a client, one way or both.
func (n *nemesis) cut() {
	name := n.victim().Name
	n.world.Disturbance++
	ways := 1 + n.rand.IntN(3)
	if ways&1 != 0 {
		n.world.Network.Cut(brokerName, name)
	}
	if ways&2 != 0 {
		n.world.Network.Cut(name, brokerName)
	}
	n.then(100*time.Millisecond, 6*time.Second, func() {
		n.world.Disturbance++
		n.world.Network.Heal(brokerName, name)
		n.world.Network.Heal(name, brokerName)
	})
}

// reset breaks a client's connection.
func (n *nemesis) reset() {
	c := n.victim()
	n.world.Notef("%s: connection reset", c.Name)
	c.Reset()
}

// pause stops the broker's process without its knowing.
func (n *nemesis) pause() {
	m := n.world.node.machine
	n.world.Disturbance++
	m.Pause()
	n.then(50*time.Millisecond, 5*time.Second, func() {
		n.world.Disturbance++
		m.Resume()
	})
}

// slow lets some rounds of syncs take long.
func (n *nemesis) slow() {
	n.slowDisk = true
	n.world.Notef("the disk is slow")
	n.then(time.Second, 4*time.Second, func() { n.slowDisk = false })
}

// misbehave lets a client do what clients do.
func (n *nemesis) misbehave() {
	n.world.crowd.Misbehave(n.rand.IntN)
}

// attackedNetwork and calmNetwork are the habits of the network during the attack and after it.
func attackedNetwork(o Options) sim.NetworkOptions {
	n := calmNetwork()
	if o.Cuts {
		n.SlowPerMille, n.SlowMax, n.ResetPerMille = 20, 500*time.Millisecond, 2
	}
	return n
}

func calmNetwork() sim.NetworkOptions {
	return sim.NetworkOptions{DelayMin: 20 * time.Microsecond, DelayMax: 2 * time.Millisecond, StallMax: 3 * time.Second, FramesMax: 10_000}
}

// end heals everything.
func (n *nemesis) end() {
	w := n.world
	w.Notef("heals")
	w.Attack, n.slowDisk = false, false
	w.Disturbance++
	w.Network.HealAll()
	w.Network.SetOptions(calmNetwork())
	w.node.disk.SetHook(nil)
	w.node.disk.ClearFaults()
	n.setSpace(diskBytes)
	w.node.machine.SetRate(1_000_000)
	w.node.machine.SetWallOffset(0)
	w.node.machine.Resume()
	for _, c := range w.crowd.Clients() {
		c.Machine.Resume()
	}
}
