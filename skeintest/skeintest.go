// Package skeintest gives a test a real broker: the code of the server, in the test's own process, in milliseconds.
//
//	node := skeintest.Start(t)                          // on loopback, data in a directory of the test
//	node := skeintest.Start(t, skeintest.InMemory())    // network and disk in memory, for testing/synctest
//	node := skeintest.Start(t, skeintest.Nodes(3))      // a cluster
//
// A node in memory can be used in a synctest bubble: session timeouts, retention and long polls take no real time
// there. Its clients dial with Node.Dial. Nothing is stubbed: what passes here passes on a server.
//
// In a bubble nobody may wait for a mutex while its owner waits for time to pass: time would stand still, and the test hang.
// franz-go holds mutexes while it waits for answers; go test -tags synctests builds it with locks that do no harm. Without the
// tag, a client whose first records are for leaders on several nodes calls its ProducerID beforehand.
//
// Switches do harm to nodes that run, each undone by its opposite:
//
//	Crash, Kill; Open               power loss, kill -9
//	Stop; Open                      a clean end, as for an upgrade
//	Pause; Resume                   a machine that hangs
//	CutLink, Isolate; HealLinks     a network that carries nothing
//	CutConnections                  connections that are reset
//	SlowDisk(d); SlowDisk(0)        a disk that takes its time
//	FailSync                        a disk that fails
//	FillDisk; FreeDisk              a disk that is full
//	MoveLeader                      a leader, or a coordinator, that changes
//	Refuse; Refusal.End             an error in place of an answer
//	MoveClock                       a wall clock that is set
//
// Where it says so they need a node in memory. Seeds and faults together do not make a run repeatable: goroutines run
// in the order that they like.
package skeintest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/server/memnet"
)

// Option changes how a node is started.
type Option func(*settings)

type settings struct {
	nodes      int
	racks      []string
	inMemory   bool
	seed       uint64
	properties map[string]string
	dataDir    string
	logger     *slog.Logger
}

// clone shares no map with s.
func (s settings) clone() settings {
	s.properties = maps.Clone(s.properties)
	return s
}

// preset sets a property that no option set.
func (s *settings) preset(name, value string) {
	if _, set := s.properties[name]; !set {
		s.properties[name] = value
	}
}

// InMemory keeps network and disk in memory. The disk forgets at Crash what was not synced.
func InMemory() Option { return func(s *settings) { s.inMemory = true } }

// Seed decides what a crash of the disk in memory leaves. The default is 1.
func Seed(seed uint64) Option { return func(s *settings) { s.seed = seed } }

// Set sets one of Kafka's property names.
func Set(name, value string) Option { return func(s *settings) { s.properties[name] = value } }

// DataDir keeps the data in a directory that the test chooses. The default is one that goes with the test.
func DataDir(dir string) Option { return func(s *settings) { s.dataDir = dir } }

// Logger takes the node's log; of a cluster that of all nodes, each line with its node. The default discards it.
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Node is a broker that a test started. Its methods are called by one goroutine at a time, but for Bootstrap and Dial.
type Node struct {
	t        testing.TB
	id       int
	cluster  *cluster
	settings settings
	network  *memnet.Network // nil outside of memory, as is disk
	disk     *disk.Simulated
	address  string
	socket   net.Listener
	faults   *faults
	node     *skein.Node
}

// faults are the switches that the running node looks at.
type faults struct {
	down      atomic.Bool  // it has crashed: it reaches nobody
	slow      atomic.Int64 // nanoseconds that a round of syncs takes longer
	failSyncs atomic.Int64 // that are still to fail
	clock     atomic.Int64 // nanoseconds by which the wall clock is ahead
	refusals  refusals
}

// Start starts a broker and stops it when the test ends. It fails the test if it cannot. Two things differ from
// `skein serve`: group.initial.rebalance.delay.ms is 0, so that a first member does not wait for others, and the port
// is free.
func Start(t testing.TB, options ...Option) *Node {
	t.Helper()
	n := &Node{t: t, id: 1, settings: settings{nodes: 1, seed: 1, properties: map[string]string{"group.initial.rebalance.delay.ms": "0"}}}
	for _, option := range options {
		option(&n.settings)
	}
	if n.settings.inMemory {
		n.network = &memnet.Network{}
	}
	n.cluster = &cluster{nodes: []*Node{n}, held: held{network: n.network}}
	if n.settings.nodes > 1 {
		n.startCluster()
		return n
	}
	n.prepare()
	n.address = "127.0.0.1:0"
	n.Open()
	t.Cleanup(n.Stop)
	return n
}

// prepare gives the node its disk.
func (n *Node) prepare() {
	n.faults = &faults{}
	switch {
	case n.settings.inMemory:
		n.disk = disk.NewSimulated(disk.SimulatedOptions{Seed: n.settings.seed + uint64(n.id) - 1})
	case n.settings.dataDir == "":
		n.settings.dataDir = n.t.TempDir()
	case !n.alone():
		n.settings.dataDir = filepath.Join(n.settings.dataDir, fmt.Sprintf("node-%d", n.id))
	}
}

// Open starts the broker again after Stop or Crash, on the same address, with the data it has.
func (n *Node) Open() {
	n.t.Helper()
	if n.node != nil {
		n.t.Fatal("skeintest: the node is open already")
	}
	if err := n.open(nil); err != nil {
		n.t.Fatal("skeintest: ", err)
	}
}

func (n *Node) listen(address string) (net.Listener, error) {
	if n.network != nil {
		return n.network.Listen("tcp", address)
	}
	return net.Listen("tcp", address)
}

// open starts the broker on a socket, or on one of its own at its address if that is nil.
func (n *Node) open(socket net.Listener) error {
	if socket == nil {
		var err error
		if socket, err = n.listen(n.address); err != nil {
			return err
		}
	}
	n.socket = socket // the node closes it
	n.faults.down.Store(false)
	logger := n.settings.logger
	if logger != nil && !n.alone() {
		logger = logger.With("node", n.id)
	}
	c := skein.Config{DataDir: n.settings.dataDir, Properties: n.settings.properties, Logger: logger, Listen: n.address,
		Listener: socket, Dial: n.reach, Now: n.now, Answer: n.faults.refusals.answer, BeforeSync: n.faults.beforeSync}
	if n.settings.inMemory {
		c.FS = n.disk
	}
	node, err := skein.Open(c)
	if err != nil {
		return err
	}
	n.node = node
	go func() { // a program ends a node that gave up
		<-node.Done()
		_ = node.Close()
	}()
	if strings.HasSuffix(n.address, ":0") { // of one that is alone; the others know those of a cluster beforehand
		n.address = node.Bootstrap()
	}
	return nil
}

// Stop ends the broker cleanly: a node of a cluster hands over what it leads. A node that is stopped already stays so.
func (n *Node) Stop() {
	n.t.Helper()
	if n.node == nil {
		return
	}
	gaveUp := n.node.Err()
	if err := n.node.Close(); err != nil && gaveUp == nil {
		n.t.Error("skeintest: close: ", err)
	}
	n.node, n.socket = nil, nil
}

// Crash ends the broker as a power cut does: what was not synced may be gone, whole or in part. Its connections are
// reset. Only a node in memory can crash; Open brings it back.
func (n *Node) Crash() {
	n.t.Helper()
	n.needMemory("crash")
	if n.node != nil {
		n.cutPower()
		n.reap()
	}
}

// Kill ends the broker as kill -9 does: at any point of what it does, but the machine runs on, so that what was written
// is there. Only a node in memory can be killed; Open brings it back.
func (n *Node) Kill() {
	n.t.Helper()
	n.needMemory("be killed")
	if n.node != nil {
		n.vanish()
		n.disk = n.disk.Kill()
		n.reap()
	}
}

// needMemory ends the test of a node that is not in memory.
func (n *Node) needMemory(what string) {
	n.t.Helper()
	if n.disk == nil {
		n.t.Fatalf("skeintest: only a node in memory can %s; start it with InMemory", what)
	}
}

// cutPower makes the disk what it is after a crash.
func (n *Node) cutPower() {
	n.vanish()
	n.disk = n.disk.Crash()
}

// vanish lets nobody reach the node any more, and it reaches nobody.
func (n *Node) vanish() {
	_ = n.socket.Close()
	n.faults.down.Store(true)
	n.CutConnections()
}

// reap ends what is left of a node that vanished. It has lost its disk and says so.
func (n *Node) reap() {
	_ = n.node.Close()
	n.node, n.socket = nil, nil
}

// CutConnections resets every connection of a node in memory.
func (n *Node) CutConnections() {
	if n.network == nil {
		return
	}
	n.network.CutAt(n.address)
	n.network.CutFrom(n.address)
}

// Bootstrap is host:port of the broker.
func (n *Node) Bootstrap() string { return n.address }

// Broker is the node itself, nil while it is stopped.
func (n *Node) Broker() *skein.Node { return n.node }

// Dial connects to the broker, whichever network it is on. It has the form that clients take a dialer in.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n.network != nil {
		return n.network.DialContext(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
