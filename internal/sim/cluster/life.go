package cluster

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/controllerlink"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/replica"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/ensemble"
)

// life is the process of a node between a start and its end: the parts of a node, connected as package skein does it.
type life struct {
	*broker.Process
	node  *node
	world *world
	fs    disk.FS
	dying bool // it cannot go on and ends soon

	config *config.Broker
	dir    *commitlog.Dir
	ways   *ways
	quorum metadataQuorum
	raft   *quorum.Node         // nil where the metadata is on the ensemble
	client *ensemble.Client     // nil where it is not
	link   *controllerlink.Link // nil before openLink
	joining
	late // planted

	roundDue bool
	workDue  bool
	tick     *sim.NodeTimer // the next work that is due though nothing comes
}

const (
	clusterID         = "simulated"
	brokerListener    = "PLAINTEXT"
	offsetsPartitions = 2
)

// Sizes are small, so that segments roll and snapshots are written within a run.
const (
	segmentBytesMax = 16 << 10
	snapshotBytes   = 8 << 10
)

func newLife(n *node) *life {
	l := &life{node: n, world: n.world, fs: broker.WrapDisk(n.world.World.World, n.disk), config: n.config}
	if l.world.Has(RotIsCut) {
		l.fs = forgetfulDisk{l.fs}
	}
	l.Process = &broker.Process{World: n.world.World.World, Machine: n.machine, Rand: n.rand.Fork(fmt.Sprint("life ", n.lives)),
		Finder: coordinator.New(coordinator.DefaultConfig()), RoundSoon: l.soon}
	l.ways = &ways{life: l, wires: map[way]*wire{}}
	l.Groups = broker.NewGroups(l.Process, clients.SessionTimeout/4, clients.CommitTimeout)
	l.Finder.Start(offsetsPartitions)
	return l
}

// configuration is that of one node.
func (n *node) configuration() *config.Broker {
	var voters []string
	for i := range n.world.options.nodesMax() {
		id := metadata.NodeID(i + 1)
		voters = append(voters, fmt.Sprintf("%d@%s", id, addressOf(id, controllerPort)))
	}
	assignments, err := config.FromSet("simulation", append(bugSettings(n.world.Bug()),
		fmt.Sprint("node.id=", n.id), "log.dirs=data", "controller.quorum.voters="+strings.Join(voters, ","),
		fmt.Sprintf("listeners=%s://%s,CONTROLLER://%s", brokerListener, addressOf(n.id, brokerPort), addressOf(n.id, controllerPort)),
		"controller.listener.names=CONTROLLER", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		fmt.Sprint("offsets.topic.num.partitions=", offsetsPartitions), "offsets.topic.replication.factor=3", "default.replication.factor=3",
		"auto.create.topics.enable=false", "broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500",
		"replica.lag.time.max.ms=3000",
	))
	if err != nil {
		panic(err)
	}
	b, err := config.Resolve(assignments)
	if err != nil {
		panic(err)
	}
	return b
}

func (l *life) self() metadata.NodeID   { return l.node.id }
func (l *life) present() *config.Broker { return l.config }

// open opens the parts, in the order of package skein, and begins to join.
func (l *life) open() error {
	for _, open := range []func() error{l.openDir, l.openHost, l.openQuorum, l.openLink, l.openServer} {
		if err := open(); err != nil || l.Ended {
			return err
		}
	}
	l.join()
	return nil
}

func (l *life) openDir() error {
	dir, err := commitlog.OpenDir(l.fs, commitlog.DirConfig{
		NodeID: l.config.NodeID, ClusterID: clusterID, DirectoryID: protocol.UUID{1, byte(l.node.id)}, Manual: true,
		OnDurable: func(logs []*commitlog.Log) {
			if !l.Ended && l.Host != nil {
				l.Host.Durable(logs)
			}
		},
		OnOffline: func(reason error) {
			if l.Host != nil && !l.Ended {
				l.Host.Offline(reason)
				if l.link != nil {
					l.link.Offline(l.dir.ID())
				}
			}
			l.node.failed(l, reason)
		},
	})
	l.dir = dir
	return err
}

func (l *life) openHost() error {
	l.Host = partition.NewHost(partition.HostConfig{
		Self: l.self(), Dir: l.dir, Broker: l.present, Now: l.Now, Logger: slog.New(noting{l.world, l.Machine.Name()}), Files: l.fs,
		Peers: l.ways, ISR: changesOf{l}, BrokerEpoch: l.brokerEpoch, Leased: l.leased, Lost: l.lost,
		Instant: func() replica.Instant { return replica.Instant(time.Duration(l.Machine.Now()).Milliseconds()) },
		After:   func(d time.Duration, f func()) { l.Machine.After(d, func() { f(); l.soon() }) },
	})
	return nil
}

func (l *life) openQuorum() error {
	decides := controller.Config{PartitionsDefault: 1, ReplicationFactor: 3, TopicDeletion: true, SessionTimeout: l.config.BrokerSessionTimeout,
		Features: []metadata.FeatureRange{{Name: metadata.FeatureELR, Max: 1}},
		Rules:    api.Rules{Self: l.self(), Static: l.config}}
	if l.world.ensemble != nil {
		return l.openEnsembleNode(decides)
	}
	c := quorum.Config{
		Dir: l.dir, FS: l.fs, NodeID: l.self(), ClusterID: clusterID,
		Controller: decides,
		Transport:  l.ways, OnLeader: func() {
			if l.link != nil {
				l.link.LeaderChanged()
			}
		},
		SnapshotBytes: snapshotBytes,
		Random:        l.Random, Now: l.Clock, Manual: true,
		OnStopped: func(reason error) { l.node.failed(l, reason) },
		Logger:    slog.New(noting{l.world, l.Machine.Name()}),
	}
	for i := range l.world.options.Nodes {
		id := metadata.NodeID(i + 1)
		c.Voters = append(c.Voters, quorum.Member{ID: id, Address: addressOf(id, controllerPort), Voter: true})
	}
	c.Address = addressOf(l.self(), controllerPort)
	node, err := quorum.Open(c)
	if err == nil {
		l.quorum, l.raft = node, node
	}
	return err
}

func (l *life) registration() *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID = l.config.NodeID, clusterID
	l.Random(r.IncarnationID[:])
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: brokerListener, Host: l.Machine.Name(), Port: brokerPort}}
	r.LogDirs = []protocol.UUID{l.dir.ID()}
	r.Features = []protocol.BrokerRegistrationRequestFeature{{Name: metadata.FeatureELR, MaxSupportedVersion: 1}}
	return r
}

func (l *life) openLink() error {
	link, err := controllerlink.Open(controllerlink.Config{
		NodeID: l.self(), Local: followed{quorumOf{l}}, Register: l.registration(),
		Address:           func(id metadata.NodeID) (string, bool) { return addressOf(id, controllerPort), true },
		HeartbeatInterval: l.config.BrokerHeartbeat, SessionTimeout: l.config.BrokerSessionTimeout, OnLease: l.leaseChanged,
		Random: l.Rand.Float64,
		Manual: &controllerlink.Manual{Now: l.Clock, Connect: l.ways.toController,
			After: func(d time.Duration, f func()) controllerlink.Timer { return l.Machine.After(d, f) }},
	})
	l.link = link
	return err
}

func (l *life) leased() bool {
	return l.world.Has(LeaseIgnored) || l.link != nil && l.link.Leased(l.Clock()) && l.sessionSure()
}

func (l *life) leaseChanged(held bool) {
	if !held && !l.Ended {
		l.Host.LeaseOver()
		l.Groups.LeaseOver()
		l.soon()
	}
}

func (l *life) openServer() error {
	l.serves = make(chan struct{})
	l.API = api.NewNode(api.Parts{
		Self: l.self(), Config: l.present, Image: l.quorum.Image, Partitions: l.Host, Controller: l.link, Quorum: quorumOf{l},
		Serves: l.serves, Groups: l.Finder, LogDir: "data", Now: l.Now, Logger: slog.New(noting{l.world, l.Machine.Name()}), Runtime: l.Runtime(),
	})
	net := l.world.Network
	net.Listen(l.Machine, addressOf(l.self(), brokerPort), func(c *sim.Conn) { l.Accept(c, brokerListener) })
	net.Listen(l.Machine, addressOf(l.self(), controllerPort), func(c *sim.Conn) { l.Accept(c, "CONTROLLER") })
	l.housekeeping()
	return nil
}

// housekeeping is what partition.Host and commitlog.Dir do beside their work.
func (l *life) housekeeping() {
	failing := func(do func() error) func() {
		return func() {
			if err := do(); err != nil && !l.Ended {
				l.node.failed(l, err)
			}
		}
	}
	l.Every(time.Second, failing(l.syncMark))
	l.Every(l.config.ReplicaLagMax/2, func() { l.Host.CheckISR(); l.soon() })
	l.Every(l.config.HighWatermarkCheckpoint, failing(func() error {
		err := l.Host.CheckpointHighWatermarks()
		if l.world.ofTheDisk(err) { // a warning, no more
			l.world.Notef("%s: high watermarks are not written: %v", l.node, err)
			return nil
		}
		return err
	}))
	l.Every(3*time.Second, func() {
		now := l.Now().UnixMilli()
		for _, p := range l.Host.All() {
			if _, err := p.Log().Retain(now, p.HighWatermark()); err != nil {
				l.world.Notef("%s: retention: %v", l.node, err)
			}
		}
		l.dir.Reap(now)
	})
}
