package cluster

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/ensemble"
	"github.com/skein-io/skein/internal/sim/scene"
)

const topicName = "orders"

// Ports of the listeners of a node.
const (
	brokerPort     = 9092
	controllerPort = 9093
)

// world is one run.
type world struct {
	*clients.World
	options  Options
	nodes    []*node
	nemesis  *nemesis
	crowd    *clients.Crowd
	judge    *judge
	rots     rots
	growth   growth
	ensemble *ensemble.Ensemble // nil where the metadata is on raft
}

func newWorld(o Options) *world {
	w := &world{options: o}
	w.World = &clients.World{
		World: scene.New(scene.Options{Seed: o.Seed, Bug: o.Bug, TraceLines: o.TraceLines, EventsMax: 5_000_000, Network: attackedNetwork(o),
			Replicated: true}),
		Topic: topicName, Partitions: o.Partitions, Replicas: o.Replicas, Group: "readers", Ledger: "ledger",
		Window: o.Window, Misbehave: o.Misbehave,
	}
	if o.MoveGroups {
		w.GroupPartitions = offsetsPartitions
	}
	for i := range o.nodesMax() {
		id := metadata.NodeID(i + 1)
		w.Addresses = append(w.Addresses, addressOf(id, brokerPort))
		w.nodes = append(w.nodes, newNode(w, id))
	}
	w.rots = rots{world: w, at: map[metadata.TopicPartition]metadata.NodeID{}, repairing: map[metadata.TopicPartition]bool{}, rand: w.Rand("repair")}
	w.Spoilt = w.rots.spoilt
	w.growth = growth{world: w, rand: w.Rand("growth")}
	w.growth.plan()
	w.nemesis = newNemesis(w)
	w.judge = newJudge(w)
	if o.ZooKeeper {
		w.openEnsemble()
	}
	return w
}

func machineName(id metadata.NodeID) string { return fmt.Sprint("broker", id) }

func addressOf(id metadata.NodeID, port int) string {
	return fmt.Sprintf("%s:%d", machineName(id), port)
}

// attackedNetwork and calmNetwork are the habits of the network during the attack and after it.
func attackedNetwork(o Options) sim.NetworkOptions {
	n := calmNetwork()
	if o.Cuts {
		n.SlowPerMille, n.SlowMax, n.ResetPerMille = 5, 300*time.Millisecond, 1
	}
	return n
}

func calmNetwork() sim.NetworkOptions {
	return sim.NetworkOptions{DelayMin: 20 * time.Microsecond, DelayMax: 2 * time.Millisecond, StallMax: 3 * time.Second, FramesMax: 10_000}
}
