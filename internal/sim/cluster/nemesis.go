package cluster

import (
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim"
)

// nemesis does harm, one thing after the other, of the kinds that the options allow.
type nemesis struct {
	world *world
	rand  *sim.Rand
	harms []func()
	decay *sim.Rand // of what rots
	ails  bool      // the disk of a node fails, or is full
}

func newNemesis(w *world) *nemesis {
	n := &nemesis{world: w, rand: w.Rand("nemesis"), decay: w.Rand("decay")}
	o := w.options
	for _, h := range []struct {
		on   bool
		harm func()
	}{
		{o.Power, n.power}, {o.Power, n.within(true)}, {o.Kill, n.kill}, {o.Kill, n.within(false)}, {o.Two, n.two}, {o.All, n.all},
		{o.Cuts, n.cut}, {o.Cuts, n.isolate}, {o.Cuts, n.cutClient}, {o.Pause, n.pause}, {o.Clock, n.moveClock}, {o.SlowDisk, n.slow},
		{o.Misbehave, n.misbehave}, {o.Leave, n.leave}, {o.FailDisk, n.failDisk}, {o.FullDisk, n.fillDisk},
	} {
		if h.on {
			n.harms = append(n.harms, h.harm)
		}
	}
	if o.ZooKeeper {
		n.harms = append(n.harms, n.resetSession, n.resetSession, n.removeController)
		if o.Cuts {
			n.harms = append(n.harms, n.cutEnsemble, n.awayEnsemble)
		}
	}
	return n
}

// begin does harm until the attack is over.
func (n *nemesis) begin() {
	n.world.After(n.rand.Between(100*time.Millisecond, 2*time.Second), func() {
		if n.world.Attack {
			n.harms[n.rand.IntN(len(n.harms))]()
			n.begin()
		}
	})
}

// then does something later, if the attack is still on.
func (n *nemesis) then(low, high time.Duration, do func()) {
	n.world.After(n.rand.Between(low, high), func() {
		if n.world.Attack {
			do()
		}
	})
}

// victim is a node: often one that leads the topic, or the quorum.
func (n *nemesis) victim() *node {
	w := n.world
	if n.rand.Chance(500) {
		for _, x := range w.nodes {
			if x.life == nil || x.life.quorum == nil {
				continue
			}
			if n.rand.Chance(300) {
				if id, _, known := x.life.quorum.Leader(); known {
					return w.nodes[id-1]
				}
			}
			if topic := x.life.quorum.Image().Topic(topicName); topic != nil {
				if p := topic.Partition(int32(n.rand.IntN(topic.Len()))); p.Leader > 0 {
					return w.nodes[p.Leader-1]
				}
			}
		}
	}
	return w.nodes[n.rand.IntN(len(w.nodes))]
}

// down is how long a node stays away: less than its session, or more.
func (n *nemesis) down() time.Duration {
	if n.rand.Chance(300) {
		return n.rand.Between(0, 6*time.Second)
	}
	return n.rand.Between(0, 1500*time.Millisecond)
}

func (n *nemesis) power() { n.victim().end(true, n.down()) }
func (n *nemesis) kill()  { n.victim().end(false, n.down()) }

func (n *nemesis) leave() { n.victim().shutDown(n.down()) }

// two ends two nodes within a moment.
func (n *nemesis) two() {
	first := n.rand.IntN(len(n.world.nodes))
	second := (first + 1 + n.rand.IntN(len(n.world.nodes)-1)) % len(n.world.nodes)
	n.world.Reach("two nodes end")
	n.world.nodes[first].end(n.losesPower(), n.down())
	n.then(0, 500*time.Millisecond, func() { n.world.nodes[second].end(n.losesPower(), n.down()) })
}

// all ends every node at once.
func (n *nemesis) all() {
	power := n.losesPower()
	n.world.Reach("all nodes end")
	for _, x := range n.world.nodes {
		x.end(power, n.down())
	}
}

func (n *nemesis) losesPower() bool {
	return n.world.options.Power && (!n.world.options.Kill || n.rand.Chance(500))
}

// within ends a process right before one of its next operations on the disk, wherever it is then.
func (n *nemesis) within(power bool) func() {
	return func() {
		x, left := n.victim(), 1+n.rand.IntN(80)
		x.hooked = true
		x.disk.SetHook(func(c disk.Call) error {
			if left--; left == 0 && x.life != nil {
				n.world.Notef("%s ends before %v %s", x, c.Op, c.Name)
				n.world.Reach("ended within an operation")
				x.end(power, n.down())
			}
			return nil
		})
	}
}

// cut stops what goes between two nodes, one way or both.
func (n *nemesis) cut() {
	a := n.victim()
	b := n.world.nodes[n.rand.IntN(len(n.world.nodes))]
	if a != b {
		n.cutWays(a.machine.Name(), []string{b.machine.Name()}, 1+n.rand.IntN(3))
	}
}

// isolate stops what goes between a node and all others, one way or both.
func (n *nemesis) isolate() {
	a := n.victim()
	var others []string
	for _, b := range n.world.nodes {
		if a != b {
			others = append(others, b.machine.Name())
		}
	}
	n.world.Reach("node isolated")
	n.cutWays(a.machine.Name(), others, 1+n.rand.IntN(3))
}

// cutClient stops what goes between a node and a client.
func (n *nemesis) cutClient() {
	all := n.world.crowd.Clients()
	c := all[n.rand.IntN(len(all))]
	if n.rand.Chance(500) {
		n.world.Notef("%s: connections reset", c.Name)
		c.Reset()
		return
	}
	n.cutWays(n.victim().machine.Name(), []string{c.Name}, 1+n.rand.IntN(3))
}

func (n *nemesis) cutWays(from string, to []string, ways int) {
	net := n.world.Network
	n.world.Disturbance++
	for _, name := range to {
		if ways&1 != 0 {
			net.Cut(from, name)
		}
		if ways&2 != 0 {
			net.Cut(name, from)
		}
	}
	n.then(100*time.Millisecond, 8*time.Second, func() {
		n.world.Disturbance++
		for _, name := range to {
			net.Heal(from, name)
			net.Heal(name, from)
		}
	})
}

// pause stops a process without its knowing.
func (n *nemesis) pause() {
	m := n.victim().machine
	n.world.Disturbance++
	m.Pause()
	n.then(50*time.Millisecond, 8*time.Second, func() {
		n.world.Disturbance++
		m.Resume()
	})
}

// moveClock lets a node's clocks go fast or slow, or sets its wall clock.
func (n *nemesis) moveClock() {
	m := n.victim().machine
	if n.rand.Chance(300) {
		m.SetWallOffset(n.rand.Between(0, 2*time.Hour) - time.Hour)
		n.world.Notef("%s: wall clock shows %v", m.Name(), m.Wall())
		return
	}
	n.world.Disturbance++
	m.SetRate(400_000 + n.rand.Int64N(2_000_000))
	n.then(time.Second, 8*time.Second, func() {
		n.world.Disturbance++
		m.SetRate(1_000_000)
	})
}

// slow lets some of a node's rounds take long.
func (n *nemesis) slow() {
	x := n.victim()
	x.slow = true
	n.world.Notef("%s: the disk is slow", x)
	n.then(time.Second, 5*time.Second, func() { x.slow = false })
}

func (n *nemesis) misbehave() { n.world.crowd.Misbehave(n.rand.IntN) }

// end heals everything.
func (n *nemesis) end() {
	w := n.world
	w.Notef("heals")
	w.Attack = false
	w.growth.come()
	w.Disturbance++
	w.Network.HealAll()
	w.Network.SetOptions(calmNetwork())
	for _, x := range w.nodes {
		x.slow = false
		x.disk.SetHook(nil)
		x.disk.ClearFaults()
		x.disk.SetSpace(diskBytes)
		x.machine.SetRate(1_000_000)
		x.machine.SetWallOffset(0)
		x.machine.Resume()
	}
	for _, c := range w.crowd.Clients() {
		c.Machine.Resume()
	}
}
