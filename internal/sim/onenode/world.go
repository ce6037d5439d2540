package onenode

import (
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Names in every run.
const (
	topicName  = "orders"
	brokerName = "broker"
	address    = "broker:9092"
)

// world is one run.
type world struct {
	*clients.World
	options Options
	node    *node
	nemesis *nemesis
	crowd   *clients.Crowd
}

func newWorld(o Options) *world {
	w := &world{options: o}
	w.World = &clients.World{
		World:     scene.New(scene.Options{Seed: o.Seed, Bug: o.Bug, TraceLines: o.TraceLines, EventsMax: 3_000_000, Network: attackedNetwork(o)}),
		Addresses: []string{address}, Topic: topicName, Partitions: o.Partitions, Replicas: 1, Group: "readers", Ledger: "ledger",
		Window: o.Window, Misbehave: o.Misbehave,
	}
	w.node = newNode(w)
	w.nemesis = newNemesis(w)
	return w
}
