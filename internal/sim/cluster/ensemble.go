package cluster

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/ensemble"
	"github.com/skein-io/skein/internal/sim/scene"
)

// metadataQuorum is a node's part of what agrees on the metadata: quorum.Node, or zookeeper.Node on the model of an ensemble.
type metadataQuorum interface {
	Image() *metadata.Image
	Subscribe(quorum.Subscriber)
	Submit(request protocol.Message, version int16, done func(protocol.Message, error))
	Leader() (metadata.NodeID, record.LeaderEpoch, bool)
	Status(done func(quorum.Status, error))
	HandleMessages(*protocol.QuorumMessagesRequest) error
	HeartbeatConnectionLost(metadata.NodeID, metadata.BrokerEpoch)
	Work(now time.Time) error
	Deadline() (time.Time, bool)
	Close() error
}

// sessionTimeout is that of the sessions on the ensemble.
const sessionTimeout = 3 * time.Second

// The bugs of a quorum on ZooKeeper. They are planted in what goes to the ensemble and what comes from it.
const (
	WatchesForgotten scene.Bug = "a watch that fires is not heeded"
	// FenceForgotten does no harm to what is agreed upon: the check of the epoch is enough for that.
	FenceForgotten scene.Bug = "a controller does not give itself up before its session has expired"
)

// ZooKeeperBugs are those that a cluster on ZooKeeper shows beside Bugs. Writes without a check are planted in the simulation of
// package internal/quorum/zookeeper, where there are enough of them.
var ZooKeeperBugs = []scene.Bug{WatchesForgotten}

// openEnsemble makes the ensemble, with what a cluster begins with.
func (w *world) openEnsemble() {
	w.ensemble = ensemble.New(w.World.World.World, w.Network, ensemble.Options{Servers: 3, LagMax: time.Second, SessionTimeout: sessionTimeout, Judge: w.judge.agreed})
	if _, err := zookeeper.Prepare(w.ensemble.Do, clusterID); err != nil {
		panic(err)
	}
	w.judge.prepared = true
}

// agreed looks at what the ensemble agrees upon: only the session that has raised the epoch last writes the log, and the epoch
// grows.
func (j *judge) agreed(session int64, path string, data []byte) {
	if !j.prepared {
		return
	}
	switch {
	case path == member.EpochPath:
		epoch, err := member.ParseEpoch(data)
		if err != nil || epoch <= j.epoch {
			j.world.Wrong("controller-epoch", path, "it became %q after %d", data, j.epoch)
		}
		j.epoch, j.owner = epoch, session
	case strings.HasPrefix(path, member.SkeinPath+"/") && session != j.owner:
		j.world.Wrong("former-controller", path, "session %d writes, and session %d has become the controller in epoch %d", session, j.owner, j.epoch)
	}
}

// openEnsembleNode opens the node's part of the quorum on the ensemble.
func (l *life) openEnsembleNode(c controller.Config) error {
	client := l.world.ensemble.NewClient(l.Machine, l.Rand.Fork("zookeeper"))
	l.client = client
	node, err := zookeeper.Open(zookeeper.Config{
		Asker: waking{client, l}, NodeID: l.self(), ClusterID: clusterID,
		Broker:     member.Broker{Host: l.Machine.Name(), Port: brokerPort, Directory: l.dir.ID().String(), Controller: addressOf(l.self(), controllerPort)},
		Controller: c, OnLeader: func() {
			if l.link != nil {
				l.link.LeaderChanged()
			}
		},
		SnapshotBytes: snapshotBytes, Random: l.Random, Now: l.Clock, Manual: true,
		OnSession: l.leaseChanged,
		OnStopped: func(reason error) { l.node.failed(l, reason) },
		Logger:    slog.New(noting{l.world, l.Machine.Name()}),
	})
	if err == nil {
		l.quorum = node
	}
	return err
}

// waking has the quorum work on what comes from the ensemble.
type waking struct {
	*ensemble.Client
	life *life
}

// Ask implements zookeeper.Asker.
func (w waking) Ask(r *member.Request) {
	if w.life.world.Has(ZnodeLeft) && r.Kind == member.Multi && len(r.Ops) == 2 && r.Ops[1].Kind == member.Delete && r.Ops[1].Path == member.ControllerPath {
		checked := *r
		checked.Ops = r.Ops[:1]
		r = &checked
	}
	w.Client.Ask(r)
}

// Close implements zookeeper.Asker.
func (w waking) Close() {
	if !w.life.world.Has(SessionLeftOpen) {
		w.Client.Close()
	}
}

func (w waking) Listen(listen func(member.Event)) {
	w.Client.Listen(func(e member.Event) {
		if w.life.Ended {
			return
		}
		if _, fired := e.(*member.Fired); fired && w.life.world.Has(WatchesForgotten) {
			return
		}
		if a, answer := e.(*member.Answer); answer && w.life.world.Has(NewcomerUnseen) && a.Children != nil {
			seen := *a
			seen.Children = slices.DeleteFunc(slices.Clone(a.Children), func(id string) bool { return id == strconv.Itoa(w.life.world.options.Nodes+1) })
			e = &seen
		}
		if c, connected := e.(*member.Connected); connected && w.life.world.Has(FenceForgotten) {
			e = &member.Connected{Session: c.Session, Timeout: time.Hour}
		}
		listen(e)
		w.life.workSoon()
	})
}

// sessionSure says whether the node's session on the ensemble cannot have expired, where it needs one.
func (l *life) sessionSure() bool {
	node, ok := l.quorum.(*zookeeper.Node)
	return !ok || node.SessionLeft(l.Clock()) > 0
}

// Harms to the ensemble, and to the ways to it.

// cutEnsemble stops what goes between a node and the ensemble, one way or both.
func (n *nemesis) cutEnsemble() {
	a := n.victim()
	n.world.Reach("node cut off from the ensemble")
	n.cutWays(a.machine.Name(), []string{ensemble.Name}, 1+n.rand.IntN(3))
}

// awayEnsemble stops what goes between the ensemble and everybody.
func (n *nemesis) awayEnsemble() {
	var all []string
	for _, x := range n.world.nodes {
		all = append(all, x.machine.Name())
	}
	n.world.Reach("ensemble away")
	n.cutWays(ensemble.Name, all, 3)
}

// removeController removes /controller, as a person does who wants another controller: its session lives, and it may not know yet
// when another has begun.
func (n *nemesis) removeController() {
	a := n.world.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Delete, Path: member.ControllerPath, Version: member.AnyVersion}}})
	if a.Code == member.OK {
		n.world.Notef("%s is removed by hand", member.ControllerPath)
		n.world.Reach("/controller removed by hand")
	}
}

// resetSession ends the connection of a node to the ensemble: answers are lost.
func (n *nemesis) resetSession() {
	if x := n.victim(); x.life != nil && x.life.client != nil {
		n.world.Notef("%s: its connection to the ensemble ends", x)
		n.world.Reach("connection to the ensemble reset")
		x.life.client.Reset()
	}
}
