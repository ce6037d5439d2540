package migration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/ensemble"
)

const clusterID = "simulated"

// bed is a model of an ensemble with a cluster of one node in it, driven by hand, and a disk for the file.
type bed struct {
	t        *testing.T
	world    *sim.World
	ensemble *ensemble.Ensemble
	machine  *sim.Node
	node     *zookeeper.Node
	client   *ensemble.Client
	lives    int
	stopped  error // why the node has stopped by itself
	files    *disk.Simulated
}

func newBed(t *testing.T, brokers int) *bed {
	t.Helper()
	w := sim.NewWorld(sim.WorldOptions{Seed: 1, EventsMax: 3_000_000, TraceLinesMax: 200})
	b := &bed{t: t, world: w, machine: w.NewNode("node1"), files: disk.NewSimulated(disk.SimulatedOptions{Seed: 1})}
	network := w.NewNetwork("main", sim.NetworkOptions{DelayMin: 20 * time.Microsecond, DelayMax: time.Millisecond, FramesMax: 1000})
	b.ensemble = ensemble.New(w, network, ensemble.Options{Servers: 1, SessionTimeout: 2 * time.Second})
	if _, err := zookeeper.Prepare(b.ensemble.Do, clusterID); err != nil {
		t.Fatal(err)
	}
	b.start()
	for id := range brokers {
		b.register(int32(id + 1))
	}
	return b
}

func directory(id int32) protocol.UUID { return protocol.UUID{byte(id >> 8), byte(id), 1} }

func (b *bed) clock() time.Time { return time.Unix(1000, 0).Add(time.Duration(b.world.Now())) }

// asker has the node work when an event has come.
type asker struct {
	*ensemble.Client
	b *bed
}

func (a *asker) Listen(listen func(member.Event)) {
	a.Client.Listen(func(e member.Event) {
		listen(e)
		a.b.machine.After(0, a.b.work)
	})
}

func (b *bed) work() {
	if b.node != nil {
		_ = b.node.Work(b.clock())
	}
}

// start starts the node on the ensemble. It may fail by itself later.
func (b *bed) start() {
	b.t.Helper()
	b.lives++
	b.stopped = nil
	var failed error
	b.machine.Start(func() {
		b.client = b.ensemble.NewClient(b.machine, b.world.Rand(fmt.Sprint("client", b.lives)))
		b.node, failed = zookeeper.Open(zookeeper.Config{
			Asker: &asker{b.client, b}, NodeID: 1, ClusterID: clusterID, Broker: member.Broker{Host: "here", Port: 9092, Directory: directory(1).String(), Controller: "here:9093"},
			Controller: controller.Config{SessionTimeout: time.Hour}, SnapshotBytes: 1500, Manual: true, Now: b.clock,
			OnStopped: func(reason error) { b.stopped = reason },
		})
	})
	if failed != nil {
		b.t.Fatal(failed)
	}
}

// stop ends the node in good order.
func (b *bed) stop() {
	b.t.Helper()
	if err := b.node.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.node = nil
	b.machine.Crash()
}

// until lets the world go on until something is so; false if it never is.
func (b *bed) until(so func() bool) bool {
	for range 2000 {
		if so() {
			return true
		}
		if err := b.world.Run(b.world.Now().Add(10 * time.Millisecond)); err != nil {
			b.t.Fatal(err)
		}
		b.machine.Run(b.work)
	}
	return false
}

// register has the controller register one more broker.
func (b *bed) register(id int32) {
	b.t.Helper()
	if !b.until(func() bool { _, _, ok := b.node.Leader(); return ok }) {
		b.t.Fatalf("nobody leads: %v, %v", b.stopped, b.node.Trouble())
	}
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID, r.IncarnationID, r.LogDirs = id, clusterID, protocol.UUID{byte(b.lives)}, []protocol.UUID{directory(id)}
	done, failed := false, error(nil)
	b.machine.Run(func() {
		b.node.Submit(r, 0, func(_ protocol.Message, err error) { done, failed = true, err })
		b.work()
	})
	if !b.until(func() bool { return done }) || failed != nil {
		b.t.Fatalf("broker %d is not registered: %v", id, failed)
	}
}

func voters(ids ...metadata.NodeID) (all []quorum.Member) {
	for _, id := range ids {
		all = append(all, quorum.Member{ID: id, Address: fmt.Sprintf("host%d:9093", id)})
	}
	return all
}

func (b *bed) options() Options {
	return Options{Do: b.ensemble.Do, Voters: voters(1, 2, 3), Files: b.files, Out: "metadata.seed", Now: b.clock}
}

// over ends what a command's session has left behind.
func (b *bed) over() {
	b.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Delete, Path: member.ControllerPath, Version: member.AnyVersion}}})
}

func (b *bed) head() member.Head {
	b.t.Helper()
	h, _, err := tree{b.ensemble.Do}.head()
	if err != nil {
		b.t.Fatal(err)
	}
	return h
}

// snapshot is all znodes as one text.
func (b *bed) snapshot() string {
	var all []string
	var walk func(path string)
	walk = func(path string) {
		a := b.ensemble.Do(&member.Request{Kind: member.Get, Path: path})
		all = append(all, fmt.Sprintf("%s %d %x", path, a.Version, a.Data))
		children := b.ensemble.Do(&member.Request{Kind: member.Children, Path: path}).Children
		for _, name := range children {
			walk(path + "/" + name)
		}
	}
	walk("")
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// file is the whole file, decoded.
func (b *bed) file(from disk.FS) *quorum.Seed {
	b.t.Helper()
	data, err := commitlog.ReadFile(from, "metadata.seed", SeedBytesMax)
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := quorum.DecodeSeed(data)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func records(i *metadata.Image) string {
	return fmt.Sprint(i.Offset, i.Epoch, string(metadata.AppendRecords(nil, slices.Collect(i.Records())...)))
}
