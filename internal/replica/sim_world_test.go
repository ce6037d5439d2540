package replica

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/sim"
)

// simWorld is one partition, its replicas, a controller that never fails, and a network and disks that do. It holds the
// time and the order of everything, by one seed.
type simWorld struct {
	*sim.World
	rand  *sim.Rand
	bug   bug
	ctl   *simController
	nodes []*simNode // nodes[i] has the id i+1
	see   *simJudge
	cut   map[[2]metadata.NodeID]bool // no message goes from the first to the second
	value int64
}

// controllerID stands for the controller in the network.
const controllerID metadata.NodeID = 0

const (
	simLagMax  = 1500 * time.Millisecond
	simSession = time.Second
	simISRMin  = 2
	simAttack  = 16 * time.Second // faults happen until then
	simHeal    = 12 * time.Second // and then it must come to rest
)

func newSimWorld(seed uint64, b bug) *simWorld {
	w := &simWorld{World: sim.NewWorld(sim.WorldOptions{Seed: seed}), bug: b, cut: map[[2]metadata.NodeID]bool{}}
	w.rand = w.Rand("replica")
	w.see = &simJudge{world: w, leaders: map[int64]metadata.NodeID{}}
	n := 3 + w.rand.IntN(3)
	w.ctl = newSimController(w, n)
	for i := range n {
		node := &simNode{world: w, id: metadata.NodeID(i + 1)}
		w.nodes = append(w.nodes, node)
		node.start()
	}
	w.ctl.tick()
	w.produce()
	w.consume()
	w.attack()
	return w
}

// runSim runs one seed to its end.
func runSim(seed uint64, b bug) *simWorld {
	w := newSimWorld(seed, b)
	stop := func() bool { return len(w.see.found) > 0 }
	if found, err := w.RunUntil(sim.Instant(simAttack), stop); found || err != nil {
		return w
	}
	w.heal()
	if found, err := w.RunUntil(sim.Instant(simAttack+simHeal), stop); found || err != nil {
		return w
	}
	w.see.atRest()
	return w
}

func (w *simWorld) now() Instant { return Instant(time.Duration(w.Now()) / time.Millisecond) }

func (w *simWorld) node(id metadata.NodeID) *simNode { return w.nodes[id-1] }

// send lets f run at the receiver, later or never.
func (w *simWorld) send(from, to metadata.NodeID, f func()) {
	way := [2]metadata.NodeID{from, to}
	attacking := time.Duration(w.Now()) < simAttack
	delay := w.rand.Between(200*time.Microsecond, 6*time.Millisecond)
	if attacking && w.rand.Chance(20) {
		delay = w.rand.Between(0, 500*time.Millisecond)
	}
	if w.cut[way] || attacking && w.rand.Chance(10) {
		return
	}
	life := w.life(to)
	w.After(delay, func() {
		if !w.cut[way] && w.life(to) == life && w.alive(to) {
			f()
		}
	})
}

func (w *simWorld) life(id metadata.NodeID) int {
	if id == controllerID {
		return 0
	}
	return w.node(id).life
}

func (w *simWorld) alive(id metadata.NodeID) bool { return id == controllerID || w.node(id).alive }

// produce has clients append here and there.
func (w *simWorld) produce() {
	n := w.nodes[w.rand.IntN(len(w.nodes))]
	if n.alive {
		w.value++
		n.append(w.value)
	}
	w.After(w.rand.Between(2*time.Millisecond, 40*time.Millisecond), w.produce)
}

// consume has one consumer read from whoever says that it leads.
func (w *simWorld) consume() {
	n := w.nodes[w.rand.IntN(len(w.nodes))]
	if n.alive {
		w.see.reads(n)
	}
	w.After(w.rand.Between(10*time.Millisecond, 80*time.Millisecond), w.consume)
}

// attack does something bad now and then.
func (w *simWorld) attack() {
	if time.Duration(w.Now()) >= simAttack {
		return
	}
	switch w.rand.IntN(10) {
	case 0, 1:
		w.crash(w.nodes[w.rand.IntN(len(w.nodes))])
	case 2: // the power goes for several
		for _, n := range w.nodes {
			if w.rand.Chance(600) {
				w.crash(n)
			}
		}
	case 3, 4, 5:
		from := metadata.NodeID(w.rand.IntN(len(w.nodes) + 1))
		to := metadata.NodeID(w.rand.IntN(len(w.nodes) + 1))
		w.cutWay(from, to)
		if w.rand.Chance(500) {
			w.cutWay(to, from)
		}
	case 6: // alone, but for the controller or not
		n := metadata.NodeID(w.rand.IntN(len(w.nodes)) + 1)
		for other := metadata.NodeID(w.rand.IntN(2)); int(other) <= len(w.nodes); other++ {
			w.cutWay(n, other)
			w.cutWay(other, n)
		}
	default:
		n := w.nodes[w.rand.IntN(len(w.nodes))]
		n.slow = w.rand.Between(0, time.Second)
		w.After(w.rand.Between(0, 3*time.Second), func() { n.slow = 0 })
	}
	w.After(w.rand.Between(50*time.Millisecond, 1200*time.Millisecond), w.attack)
}

func (w *simWorld) cutWay(from, to metadata.NodeID) {
	if from == to {
		return
	}
	way := [2]metadata.NodeID{from, to}
	w.cut[way] = true
	w.After(w.rand.Between(50*time.Millisecond, 3*time.Second), func() { delete(w.cut, way) })
}

func (w *simWorld) crash(n *simNode) {
	if !n.alive {
		return
	}
	n.crash()
	life := n.life
	w.After(w.rand.Between(20*time.Millisecond, 2500*time.Millisecond), func() {
		if n.life == life {
			n.start()
		}
	})
}

// heal ends every fault.
func (w *simWorld) heal() {
	clear(w.cut)
	for _, n := range w.nodes {
		n.slow = 0
		if !n.alive {
			n.start()
		}
	}
	w.see.healed = len(w.see.ledger)
}
