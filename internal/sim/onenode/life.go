package onenode

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/clients"
)

// life is the broker process between a start and its end: the parts of a node, connected as package skein does it.
type life struct {
	*broker.Process
	node  *node
	world *world
	fs    disk.FS
	dying bool // it cannot go on and ends soon

	broker *config.Broker
	dir    *commitlog.Dir
	quorum *quorum.Node

	roundDue bool
}

func newLife(n *node) *life {
	l := &life{node: n, world: n.world, broker: brokerConfig}
	l.Process = &broker.Process{World: n.world.World.World, Machine: n.machine, Rand: n.rand.Fork(fmt.Sprint("life ", n.lives)),
		Finder: coordinator.New(coordinator.DefaultConfig()), RoundSoon: l.roundSoon}
	l.fs = broker.WrapDisk(l.world.World.World, n.disk)
	l.Groups = broker.NewGroups(l.Process, clients.SessionTimeout/4, clients.CommitTimeout)
	l.Finder.Start(offsetsPartitions)
	return l
}

const offsetsPartitions = 2

var discard = slog.New(slog.DiscardHandler)

var brokerConfig = mustResolve("node.id=1", "log.dirs=data", "listeners=PLAINTEXT://"+address,
	"offsets.topic.num.partitions="+fmt.Sprint(offsetsPartitions), "offsets.topic.replication.factor=1", "num.partitions=1",
	"auto.create.topics.enable=false")

func mustResolve(set ...string) *config.Broker {
	assignments, err := config.FromSet("simulation", set)
	if err != nil {
		panic(err)
	}
	b, err := config.Resolve(assignments)
	if err != nil {
		panic(err)
	}
	return b
}

// open opens the parts, in the order of package skein.
func (l *life) open() error {
	if err := l.openDir(); err != nil {
		return err
	}
	if err := l.openQuorum(); err != nil {
		return err
	}
	l.API = api.NewNode(api.Parts{
		Self: l.self(), Config: l.present, Image: l.quorum.Image, Partitions: l.Host,
		Controller: controllerOf{l}, Groups: l.Finder, LogDir: "data", Now: l.Now, Runtime: l.Runtime(),
	})
	return nil
}

func (l *life) self() metadata.NodeID   { return metadata.NodeID(l.broker.NodeID) }
func (l *life) present() *config.Broker { return l.broker }

func (l *life) openDir() error {
	dir, err := commitlog.OpenDir(l.fs, commitlog.DirConfig{
		NodeID: l.broker.NodeID, ClusterID: "simulated", DirectoryID: protocol.UUID{1}, FreeBytesFloor: freeBytesFloor, Manual: true,
		OnDurable: func(logs []*commitlog.Log) {
			if !l.Ended && l.Host != nil {
				l.Host.Durable(logs)
			}
		},
		OnOffline: func(reason error) {
			if l.Host != nil {
				l.Host.Offline(reason)
			}
			l.node.failed(l, reason)
		},
	})
	if err != nil {
		return err
	}
	l.dir = dir
	l.Host = partition.NewHost(partition.HostConfig{Self: l.self(), Dir: dir, Broker: l.present, Now: l.Now, Logger: discard})
	return nil
}

func (l *life) openQuorum() error {
	node, err := quorum.Open(quorum.Config{
		Dir: l.dir, FS: l.fs, NodeID: l.self(), ClusterID: "simulated",
		Controller: controller.Config{PartitionsDefault: 1, ReplicationFactor: 1, TopicDeletion: true,
			SessionTimeout: 9 * time.Second, Rules: api.Rules{Self: l.self(), Static: l.broker}},
		Register:      l.registration(),
		SnapshotBytes: 1 << 10,
		Random:        l.Random, Now: l.Now, Manual: true,
		OnStopped: func(reason error) { l.node.failed(l, reason) },
	})
	if err != nil {
		return err
	}
	l.quorum = node
	first := true
	node.Subscribe(func(_, after *metadata.Image, delta *metadata.Delta) {
		if first {
			first, delta = false, nil
		}
		l.follow(after, delta)
	})
	return nil
}

func (l *life) registration() *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID = l.broker.NodeID, "simulated"
	l.Random(r.IncarnationID[:])
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: brokerName, Port: 9092}}
	r.LogDirs = []protocol.UUID{l.dir.ID()}
	return r
}

// follow takes a new image to the partitions and the groups.
func (l *life) follow(image *metadata.Image, delta *metadata.Delta) {
	if err := l.Host.Apply(image, delta); err != nil && !l.Ended && !l.dying {
		l.world.Notef("not every partition is served: %v", err)
		l.node.failed(l, err)
	}
	for _, p := range l.Host.All() {
		c := p.Log().Config()
		c.SegmentBytes, c.IndexIntervalBytes, c.FileDeleteDelayMs = segmentBytesMax, 512, 1000
		p.Log().Configure(c)
	}
	l.Groups.Coordinate(image, l.self())
	l.roundSoon()
}

// Sizes are small, so that segments roll and snapshots are written within a run.
const (
	segmentBytesMax = 8 << 10
	freeBytesFloor  = 128 << 10
)

// serve takes connections and starts what the node does by itself.
func (l *life) serve() {
	l.world.Network.Listen(l.node.machine, address, func(c *sim.Conn) { l.Accept(c, "PLAINTEXT") })
	l.roundSoon()
	l.Every(time.Second, func() {
		if err := l.dir.SyncMark(); err != nil {
			l.node.failed(l, err)
		}
	})
	l.Every(3*time.Second, l.housekeeping)
}

// housekeeping is what partition.Host does beside its work.
func (l *life) housekeeping() {
	now := l.Now().UnixMilli()
	for _, p := range l.Host.All() {
		if _, err := p.Log().Retain(now, p.HighWatermark()); err != nil {
			l.world.Notef("retention: %v", err)
		}
	}
	l.dir.Reap(now)
}

// roundSoon lets the Syncer and the controller work after a moment, within which more may come, or the power may go.
func (l *life) roundSoon() {
	if l.roundDue {
		return
	}
	l.roundDue = true
	delay := l.Rand.Between(50*time.Microsecond, 3*time.Millisecond)
	if l.world.nemesis.slowDisk && l.Rand.Chance(300) {
		delay = l.Rand.Between(0, 800*time.Millisecond)
		if l.Rand.Chance(50) {
			delay = l.Rand.Between(0, 9*time.Second)
		}
	}
	l.node.machine.After(delay, l.round)
}

func (l *life) round() {
	l.roundDue = false
	if l.Ended {
		return
	}
	if l.quorum != nil {
		if err := l.quorum.Work(l.Now()); err != nil && !l.Ended {
			l.node.failed(l, err)
		}
	}
	if l.Ended {
		return
	}
	if err := l.dir.Round(); err != nil && !l.Ended {
		l.node.failed(l, err)
	}
}

// release answers who still waits in a process that is gone, into the void: it stops their timers.
func (l *life) release() {
	if l.Host != nil {
		l.Host.Close()
	}
}

// controllerOf is the controller as the APIs see it.
type controllerOf struct{ *life }

func (c controllerOf) Ask(request protocol.Message, version int16, done func(protocol.Message, error)) {
	c.quorum.Submit(request, version, done)
	c.roundSoon()
}

func (c controllerOf) AllocateProducerIDs(self metadata.NodeID, done func(first int64, count int32, err error)) {
	request := protocol.NewAllocateProducerIDsRequest()
	request.BrokerID = int32(self)
	if broker := c.quorum.Image().Broker(self); broker != nil {
		request.BrokerEpoch = int64(broker.Epoch)
	}
	_, version := protocol.Versions(protocol.KeyAllocateProducerIDs)
	c.Ask(request, version, func(message protocol.Message, err error) {
		if err != nil {
			done(0, 0, err)
			return
		}
		response := message.(*protocol.AllocateProducerIDsResponse)
		if response.ErrorCode != protocol.None {
			err = protocol.Fail(response.ErrorCode, "the controller gives no producer ids")
		}
		done(response.ProducerIDStart, response.ProducerIDLen, err)
	})
}
