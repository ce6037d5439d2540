package cluster

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/scene"
)

// What a cluster shows that grows and shrinks, and whose controllers follow each other. These are planted like those of ensemble.go.
const (
	NewcomerUnseen  scene.Bug = "a controller does not see that a node came later"
	RetiredReturns  scene.Bug = "a node that has left for good is started again"
	SessionLeftOpen scene.Bug = "a node that ends in good order does not end its session"
	ZnodeLeft       scene.Bug = "a controller that hears nobody resigns and leaves its znode"
)

// GrowthBugs are those that DrawGrowing shows beside Bugs and ZooKeeperBugs.
var GrowthBugs = []scene.Bug{NewcomerUnseen, RetiredReturns, SessionLeftOpen, ZnodeLeft}

// growth is which nodes come later, and leave for good.
type growth struct {
	world    *world
	rand     *sim.Rand
	newcomer *node
	retired  *node
	gone     bool // the retired node has no replica any more, and nobody knows it
}

// plan chooses who comes, and who goes; both before the attack, and neither while the seed's options do not say so.
func (g *growth) plan() {
	o := g.world.options
	if o.Grow {
		g.newcomer = g.world.nodes[len(g.world.nodes)-1]
		g.newcomer.absent = true
	}
	if o.Shrink {
		g.retired = g.world.nodes[g.rand.IntN(o.Nodes)]
	}
}

// begin has them come and go some time during the attack.
func (g *growth) begin() {
	w := g.world
	if g.newcomer != nil {
		w.After(g.rand.Between(time.Second, w.options.Attack*2/3), g.come)
	}
	if g.retired != nil {
		w.After(g.rand.Between(w.options.Attack/3, w.options.Attack), g.leave)
	}
}

// come starts the node that nobody knows yet, on an empty disk.
func (g *growth) come() {
	if g.newcomer == nil || !g.newcomer.absent {
		return
	}
	g.world.Notef("%s comes", g.newcomer.machine.Name())
	g.world.Reach("a node more joins")
	g.newcomer.absent = false
	g.newcomer.start()
}

// leave takes a node out: its replicas move, it ends, its id is forgotten, and what was put on it meanwhile moves as well.
func (g *growth) leave() {
	x, id := g.retired, int32(g.retired.id)
	r := clients.NewRetirer(g.world.World)
	g.world.Notef("%s is to leave for good", x.machine.Name())
	r.Drain(id, func() {
		g.end(func() {
			r.Unregister(id, func() {
				r.Drain(id, func() {
					g.gone = true
					g.world.Reach("a node has left for good")
					if g.world.Has(RetiredReturns) {
						x.absent = false
						x.start()
					}
				})
			})
		})
	})
}

// end ends the node that leaves, in good order if it is there, and calls then.
func (g *growth) end(then func()) {
	x := g.retired
	x.absent = true // it is not started again
	if x.life != nil && x.life.ready && !x.life.leaving {
		x.shutDown(0)
	}
	if x.life == nil {
		then()
		return
	}
	g.world.After(50*time.Millisecond, func() { g.end(then) })
}

// members are the nodes that there are, but for one that is to leave.
func (w *world) members() []*node {
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return n == w.growth.retired })
}

// shrunk says whether whoever was to leave is out of the cluster.
func (w *world) shrunk() bool { return w.growth.retired == nil || w.growth.gone && w.traces() == "" }

// traces is what the newest image still has of the node that has left.
func (w *world) traces() string {
	id := w.growth.retired.id
	if b := w.judge.newest.Broker(id); b != nil {
		return "it is registered"
	}
	for topic := range w.judge.newest.Topics() {
		for p := range topic.Partitions() {
			if slices.Contains(p.Replicas, id) {
				return "it has a replica of " + topic.Name
			}
		}
	}
	return ""
}

// demandShrunk: whoever was to leave has left, and nothing in the cluster is of it.
func (w *world) demandShrunk() {
	switch g := w.growth; {
	case g.retired == nil:
	case !g.gone:
		w.Wrong("liveness", g.retired.String(), "it has not come to leave for good")
	case w.traces() != "":
		w.Wrong("left-for-good", g.retired.String(), "it has left for good, and %s", w.traces())
	}
}

// Within what time another node must be the controller at rest. A server of the ensemble may tell it up to LagMax late. The session
// of one that has ended lasts sessionTimeout, less a keep-alive; one that is not heard notices after a lease.
const (
	handedOverMax = sessionTimeout/2 + 500*time.Millisecond
	supersededMax = sessionTimeout*2/3 + 2500*time.Millisecond
)

// demandSuccession: at rest a controller that ends in good order is followed at once, and one that only the ensemble hears as soon as
// it can notice.
func (w *world) demandSuccession() {
	if !w.options.Succession || len(w.Findings()) > 0 {
		return
	}
	x := w.ruler()
	if x == nil {
		return
	}
	life, epoch := x.life, w.judge.epoch
	x.shutDown(2 * handedOverMax) // started again it would replace what a former session of its own left
	w.until(2*leaveMax, func() bool { return x.life != life })
	if !w.until(handedOverMax, func() bool { return w.judge.epoch > epoch }) {
		w.Wrong("succession", x.String(), "it was the controller in epoch %d and has ended in good order; %v later nobody has followed", epoch, handedOverMax)
		return
	}
	w.Reach("controller handed over")
	if x = w.ruler(); x == nil {
		return
	}
	epoch = w.judge.epoch
	for _, other := range w.members() {
		if other != x {
			w.Network.Cut(x.machine.Name(), other.machine.Name())
			w.Network.Cut(other.machine.Name(), x.machine.Name())
		}
	}
	own := x.life.client.Session()
	superseded := w.until(supersededMax, func() bool { return w.judge.epoch > epoch && w.judge.owner != own })
	w.Network.HealAll()
	if !superseded {
		w.Wrong("succession", x.String(), "it is the controller in epoch %d, no node hears it but the ensemble, and after %v nobody has followed", epoch, supersededMax)
		return
	}
	w.Reach("controller that nobody heard superseded")
	w.ruler()
}

// ruler waits until all is at rest, and is the controller then; nil and a finding if there is none.
func (w *world) ruler() *node {
	var ruler *node
	if w.until(w.options.Settle, func() bool {
		ruler = nil
		for _, n := range w.members() {
			if n.life != nil && n.life.ready {
				if id, epoch, known := n.life.quorum.Leader(); known && id == n.id && epoch == w.judge.epoch {
					ruler = n
				}
			}
		}
		return ruler != nil && w.inSync()
	}) {
		return ruler
	}
	w.Wrong("liveness", "controller", "%v after a succession not all is at rest", w.options.Settle)
	w.demandInSync()
	return nil
}

// until lets the world go on until something is so, for a while at most, and says whether it came to be.
func (w *world) until(limit time.Duration, is func() bool) bool {
	for end := w.Now().Add(limit); w.Now() < end; {
		if is() {
			return true
		}
		w.Run(w.Now().Add(20 * time.Millisecond))
	}
	return is()
}

// DrawGrowing gives the options of a cluster on ZooKeeper to which a node comes, or from which one leaves, or both, and whose
// controllers are followed by others in the end.
func DrawGrowing(seed uint64) Options {
	o := DrawZooKeeper(seed)
	r := sim.NewRand(seed).Fork("growth")
	o.Grow, o.Shrink, o.Succession = r.Chance(700), r.Chance(500), true
	o.Grow = o.Grow || !o.Shrink || o.Nodes == int(o.Replicas) // whoever leaves, another has to take its place
	return o
}

// nodesMax is how many nodes there may be.
func (o Options) nodesMax() int {
	if o.Grow {
		return o.Nodes + 1
	}
	return o.Nodes
}
