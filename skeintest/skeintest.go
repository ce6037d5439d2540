// Package skeintest gives a test a real broker: the code of the server, in the test's own process, in milliseconds.
//
//	node := skeintest.Start(t)                          // on loopback, data in a directory of the test
//	node := skeintest.Start(t, skeintest.InMemory())    // network and disk in memory, for testing/synctest
//
// A node in memory can be used in a synctest bubble: session timeouts, retention and long polls take no real time
// there. Its clients dial with Node.Dial. Nothing is stubbed: what passes here passes on a server.
package skeintest

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/server/memnet"
)

// Option changes how a node is started.
type Option func(*settings)

type settings struct {
	inMemory   bool
	seed       uint64
	properties map[string]string
	dataDir    string
	logger     *slog.Logger
}

// InMemory keeps network and disk in memory. The disk forgets at Crash what was not synced.
func InMemory() Option { return func(s *settings) { s.inMemory = true } }

// Seed decides what a crash of the disk in memory leaves. The default is 1.
func Seed(seed uint64) Option { return func(s *settings) { s.seed = seed } }

// Set sets one of Kafka's property names.
func Set(name, value string) Option { return func(s *settings) { s.properties[name] = value } }

// DataDir keeps the data in a directory that the test chooses. The default is one that goes with the test.
func DataDir(dir string) Option { return func(s *settings) { s.dataDir = dir } }

// Logger takes the node's log. The default discards it.
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Node is a broker that a test started. Its methods are called by one goroutine at a time, but for Bootstrap and Dial.
type Node struct {
	t        testing.TB
	settings settings
	network  *memnet.Network
	disk     *disk.Simulated
	address  string
	node     *skein.Node
}

// Start starts a broker and stops it when the test ends. It fails the test if it cannot. Two things differ from
// `skein serve`: group.initial.rebalance.delay.ms is 0, so that a first member does not wait for others, and the port
// is free.
func Start(t testing.TB, options ...Option) *Node {
	t.Helper()
	n := &Node{t: t, settings: settings{seed: 1, properties: map[string]string{"group.initial.rebalance.delay.ms": "0"}}}
	for _, option := range options {
		option(&n.settings)
	}
	if n.settings.inMemory {
		n.network = &memnet.Network{}
		n.disk = disk.NewSimulated(disk.SimulatedOptions{Seed: n.settings.seed})
	} else if n.settings.dataDir == "" {
		n.settings.dataDir = t.TempDir()
	}
	n.address = "127.0.0.1:0"
	n.Open()
	t.Cleanup(n.Stop)
	return n
}

// Open starts the broker again after Stop or Crash, on the same address, with the data it has.
func (n *Node) Open() {
	n.t.Helper()
	if n.node != nil {
		n.t.Fatal("skeintest: the node is open already")
	}
	c := skein.Config{DataDir: n.settings.dataDir, Properties: n.settings.properties, Logger: n.settings.logger, Listen: n.address}
	if n.settings.inMemory {
		listener, err := n.network.Listen("tcp", n.address)
		if err != nil {
			n.t.Fatal("skeintest: ", err)
		}
		c.Listener, c.FS = listener, n.disk
	}
	node, err := skein.Open(c)
	if err != nil {
		n.t.Fatal("skeintest: ", err)
	}
	n.node, n.address = node, node.Bootstrap()
}

// Stop ends the broker cleanly. A node that is stopped already stays so.
func (n *Node) Stop() {
	n.t.Helper()
	if n.node == nil {
		return
	}
	if err := n.node.Close(); err != nil {
		n.t.Error("skeintest: close: ", err)
	}
	n.node = nil
}

// Crash ends the broker as a power cut does: what was not synced may be gone, whole or in part. Only a node in memory
// can crash; Open brings it back.
func (n *Node) Crash() {
	n.t.Helper()
	if n.disk == nil {
		n.t.Fatal("skeintest: only a node in memory can crash; start it with InMemory")
	}
	n.network.CutAll()
	n.disk = n.disk.Crash()
	_ = n.node.Close() // it has lost its disk and says so
	n.node = nil
}

// CutConnections resets every connection of a node in memory.
func (n *Node) CutConnections() {
	if n.network != nil {
		n.network.CutAll()
	}
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
