package replica

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// simImage is what a node is told of the cluster.
type simImage struct {
	version        int
	leader         metadata.NodeID
	leaderEpoch    record.LeaderEpoch
	partitionEpoch metadata.PartitionEpoch
	replicas, isr  []metadata.NodeID
	brokers        []simBroker // by node, 0 is nobody
}

// simBroker is a registration.
type simBroker struct {
	epoch       metadata.BrokerEpoch
	incarnation int
	fenced      bool
	heard       sim.Instant
	since       int // the version of the registration
}

// simController is the truth.
type simController struct {
	world *simWorld
	simImage
	nextEpoch metadata.BrokerEpoch
}

func newSimController(w *simWorld, n int) *simController {
	c := &simController{world: w, simImage: simImage{leader: metadata.NoNode, brokers: make([]simBroker, n+1)}}
	for i := range n {
		id := metadata.NodeID(i + 1)
		c.replicas = append(c.replicas, id)
		c.brokers[id] = simBroker{epoch: metadata.NoBrokerEpoch, fenced: true}
	}
	w.rand.Shuffle(n, func(i, j int) { c.replicas[i], c.replicas[j] = c.replicas[j], c.replicas[i] })
	c.isr = slices.Clone(c.replicas)
	return c
}

func (c *simController) image() *simImage {
	i := c.simImage
	i.isr, i.brokers = slices.Clone(c.isr), slices.Clone(c.brokers)
	return &i
}

// tick fences those of whom nothing was heard.
func (c *simController) tick() {
	for id := 1; id < len(c.brokers); id++ {
		if b := &c.brokers[id]; !b.fenced && c.world.Now().Sub(b.heard) > simSession {
			c.fence(metadata.NodeID(id))
		}
	}
	c.world.After(50*time.Millisecond, c.tick)
}

// register begins a new life of a broker; the same one may ask twice.
func (c *simController) register(id metadata.NodeID, incarnation int) metadata.BrokerEpoch {
	b := &c.brokers[id]
	if b.incarnation != incarnation {
		c.fence(id)
		c.nextEpoch++
		c.version++
		*b = simBroker{epoch: c.nextEpoch, incarnation: incarnation, fenced: true, since: c.version}
	}
	return b.epoch
}

// heartbeat keeps a broker alive; one that knows of its own registration may serve.
func (c *simController) heartbeat(id metadata.NodeID, epoch metadata.BrokerEpoch, version int) {
	b := &c.brokers[id]
	if b.epoch != epoch {
		return
	}
	b.heard = c.world.Now()
	if b.fenced && version >= b.since {
		b.fenced = false
		c.version++
		if c.leader == metadata.NoNode {
			c.elect()
		}
	}
}

// fence takes a broker out of the ISR, unless it is the last one, and its leadership from it.
func (c *simController) fence(id metadata.NodeID) {
	c.version++
	c.brokers[id].fenced = true
	if i := slices.Index(c.isr, id); i >= 0 && len(c.isr) > 1 {
		c.isr = slices.Delete(slices.Clone(c.isr), i, i+1)
		c.partitionEpoch++
	}
	if c.leader == id {
		c.elect()
	}
}

// elect takes the first live replica of the ISR.
func (c *simController) elect() {
	c.version++
	c.partitionEpoch++
	c.leaderEpoch++
	c.leader = metadata.NoNode
	for _, id := range c.replicas {
		if slices.Contains(c.isr, id) && !c.brokers[id].fenced {
			c.leader = id
			return
		}
	}
}

func (c *simController) alter(from metadata.NodeID, epoch metadata.BrokerEpoch, change *Alteration) *Answered {
	answer := &Answered{ID: change.ID, Epoch: change.Epoch}
	switch {
	case c.brokers[from].epoch != epoch || c.leader != from || c.leaderEpoch != change.Epoch:
		answer.Code = protocol.FencedLeaderEpoch
		return answer
	case c.partitionEpoch != change.PartitionEpoch:
		answer.Code = protocol.InvalidUpdateVersion
		return answer
	}
	var isr []metadata.NodeID
	for _, m := range change.ISR {
		b := &c.brokers[m.Node]
		if b.fenced || m.BrokerEpoch != metadata.NoBrokerEpoch && m.BrokerEpoch != b.epoch {
			answer.Code = protocol.IneligibleReplica
			return answer
		}
		isr = append(isr, m.Node)
	}
	before := c.isr
	c.isr = isr
	c.partitionEpoch++
	c.version++
	for _, id := range isr {
		if !slices.Contains(before, id) {
			c.world.see.joined(from, id)
		}
	}
	answer.PartitionEpoch, answer.ISR = c.partitionEpoch, slices.Clone(isr)
	return answer
}
