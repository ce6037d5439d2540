package onenode

import (
	"encoding/binary"
	"fmt"
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
)

// life is the broker process between a start and its end: the parts of a node, connected as package skein does it.
type life struct {
	node  *node
	world *world
	rand  *sim.Rand
	fs    disk.FS
	ended bool // nothing that it does counts any more
	dying bool // it cannot go on and ends soon

	broker *config.Broker
	dir    *commitlog.Dir
	host   *partition.Host
	quorum *quorum.Node
	api    *api.Node
	finder *coordinator.Coordinator // knows which partition a group belongs to; it has no loops
	groups *groups

	roundDue  bool
	sequences map[int64]int32 // the newest of each producer; only planted bugs ask
}

func newLife(n *node) *life {
	l := &life{node: n, world: n.world, rand: n.rand.Fork(fmt.Sprint("life ", n.lives)), broker: brokerConfig, sequences: map[int64]int32{}}
	l.fs = l.world.options.Bug.wrapDisk(l.world, n.disk)
	l.groups = newGroups(l)
	l.finder = coordinator.New(coordinator.DefaultConfig())
	l.finder.Start(offsetsPartitions)
	return l
}

const offsetsPartitions = 2

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
	l.api = api.NewNode(api.Parts{
		Self: l.self(), Config: l.present, Image: l.quorum.Image, Partitions: l.host,
		Controller: controllerOf{l}, Groups: l.finder, LogDir: "data", Now: l.now, Logger: nil,
	})
	return nil
}

func (l *life) self() metadata.NodeID   { return metadata.NodeID(l.broker.NodeID) }
func (l *life) present() *config.Broker { return l.broker }

// now is the machine's wall clock, which the nemesis moves.
func (l *life) now() time.Time { return l.node.machine.Wall() }

func (l *life) openDir() error {
	dir, err := commitlog.OpenDir(l.fs, commitlog.DirConfig{
		NodeID: l.broker.NodeID, ClusterID: "simulated", DirectoryID: protocol.UUID{1}, FreeBytesFloor: freeBytesFloor, Manual: true,
		OnDurable: func(logs []*commitlog.Log) {
			if !l.ended && l.host != nil {
				l.host.Durable(logs)
			}
		},
		OnOffline: func(reason error) {
			if l.host != nil {
				l.host.Offline(reason)
			}
			l.node.failed(l, reason)
		},
	})
	if err != nil {
		return err
	}
	l.dir = dir
	l.host = partition.NewHost(partition.HostConfig{Self: l.self(), Dir: dir, Broker: l.present, Now: l.now, Logger: discard})
	return nil
}

func (l *life) openQuorum() error {
	node, err := quorum.Open(quorum.Config{
		Dir: l.dir, FS: l.fs, NodeID: l.self(), ClusterID: "simulated",
		Controller: controller.Config{PartitionsDefault: 1, ReplicationFactor: 1, TopicDeletion: true,
			SessionTimeout: 9 * time.Second, Rules: api.Rules{Self: l.self(), Static: l.broker}},
		Register:      l.registration(),
		SnapshotBytes: 1 << 10,
		Random:        l.random, Now: l.now, Manual: true,
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

func (l *life) random(b []byte) {
	for len(b) > 0 {
		var word [8]byte
		binary.BigEndian.PutUint64(word[:], l.rand.Uint64())
		b = b[copy(b, word[:]):]
	}
}

func (l *life) registration() *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID = l.broker.NodeID, "simulated"
	l.random(r.IncarnationID[:])
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: brokerName, Port: 9092}}
	r.LogDirs = []protocol.UUID{l.dir.ID()}
	return r
}

// follow takes a new image to the partitions and the groups.
func (l *life) follow(image *metadata.Image, delta *metadata.Delta) {
	if err := l.host.Apply(image, delta); err != nil && !l.ended && !l.dying {
		l.world.Notef("not every partition is served: %v", err)
		l.node.failed(l, err)
	}
	for _, p := range l.host.All() {
		c := p.Log().Config()
		c.SegmentBytes, c.IndexIntervalBytes, c.FileDeleteDelayMs = segmentBytesMax, 512, 1000
		p.Log().Configure(c)
	}
	if topic := image.Topic(metadata.ConsumerOffsetsTopic); topic != nil {
		l.groups.elect(topic)
	}
	l.roundSoon()
}

// Sizes are small, so that segments roll and snapshots are written within a run.
const (
	segmentBytesMax = 8 << 10
	freeBytesFloor  = 128 << 10
)

// serve takes connections and starts what the node does by itself.
func (l *life) serve() {
	l.world.network.Listen(l.node.machine, address, l.accept)
	l.roundSoon()
	l.every(time.Second, func() {
		if err := l.dir.SyncMark(); err != nil {
			l.node.failed(l, err)
		}
	})
	l.every(3*time.Second, l.housekeeping)
}

// every repeats something by the machine's clock.
func (l *life) every(d time.Duration, do func()) {
	l.node.machine.After(d, func() {
		if !l.ended && !l.dying {
			do()
			l.every(d, do)
		}
	})
}

// housekeeping is what partition.Host does beside its work.
func (l *life) housekeeping() {
	now := l.now().UnixMilli()
	for _, p := range l.host.All() {
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
	delay := l.rand.Between(50*time.Microsecond, 3*time.Millisecond)
	if l.world.nemesis.slowDisk && l.rand.Chance(300) {
		delay = l.rand.Between(0, 800*time.Millisecond)
		if l.rand.Chance(50) {
			delay = l.rand.Between(0, 9*time.Second)
		}
	}
	l.node.machine.After(delay, l.round)
}

func (l *life) round() {
	l.roundDue = false
	if l.ended {
		return
	}
	if l.quorum != nil {
		if err := l.quorum.Work(l.now()); err != nil && !l.ended {
			l.node.failed(l, err)
		}
	}
	if l.ended {
		return
	}
	if err := l.dir.Round(); err != nil && !l.ended {
		l.node.failed(l, err)
	}
}

// release answers who still waits in a process that is gone, into the void: it stops their timers.
func (l *life) release() {
	if l.host != nil {
		l.host.Close()
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
