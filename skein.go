// Package skein is an event-streaming node that speaks Kafka's wire protocol, to be embedded in a Go program.
//
// Open starts a broker with its controller and returns when it answers; Close ends it. What it holds is durable as its
// configuration says, whether it runs in a process of its own or in yours. Tests are better served by package skeintest.
package skein

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
)

// Config is what a node is told. The zero value is a broker on 127.0.0.1:9092 with its data in ./skein-data, as
// `skein serve` without options.
type Config struct {
	// DataDir is log.dirs, Listen is the host:port of the one plaintext listener; port 0 lets the system choose. Empty
	// leaves them to the properties.
	DataDir string
	Listen  string

	// Properties sets Kafka's property names. It is stronger than Environment, which is stronger than ConfigFile.
	Properties map[string]string
	// Set is the same as name=value pairs, stronger than Properties; a later pair rules over an earlier.
	Set []string
	// Environment is searched for SKEIN_ variables, in the form of os.Environ. Nil is none.
	Environment []string
	// ConfigFile is the path of a .properties file. Empty is none.
	ConfigFile string

	// Listener, if set, is used in place of the first listener of the configuration; its address is what clients are told.
	Listener net.Listener

	// Dial reaches the other nodes of the cluster. Nil is TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	// Logger takes what happens. Nil discards it.
	Logger *slog.Logger

	// FS, if set, holds the data in place of a directory. It is for skein's own tests, as are the next two.
	FS disk.FS
	// Answer may answer a request in place of the node, and says whether it did. It runs where the node would begin with the
	// request (api.Call), and does not wait.
	Answer func(*api.Call) bool
	// BeforeSync is called before each round of syncs. It may wait.
	BeforeSync func()

	// Now is the wall clock for timestamps of records and retention. Nil is time.Now.
	Now func() time.Time
}

// Node is a running broker. Its methods may be called concurrently.
type Node struct {
	parts     *parts
	bootstrap string

	closing atomic.Bool
	left    chan struct{} // nothing is left; a channel and no lock, for in a synctest bubble time stands still behind a lock
	closed  error         // read after left
	ending  sync.Once
	done    chan struct{}
	err     error // why done was closed; read after done
}

// Open starts a node and returns when it answers requests. An error says what is wrong and what to do; nothing is left
// running then.
func Open(c Config) (*Node, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	broker, err := c.resolve()
	if err != nil {
		return nil, err
	}
	n := &Node{left: make(chan struct{}), done: make(chan struct{})}
	n.parts, err = openParts(&c, broker, n.stopped)
	if err != nil {
		return nil, err
	}
	n.bootstrap = n.parts.bootstrap()
	return n, nil
}

// resolve makes the configuration of its sources.
func (c *Config) resolve() (*config.Broker, error) {
	var sources [][]config.Assignment
	if c.ConfigFile != "" {
		file, err := config.FromFile(c.ConfigFile)
		if err != nil {
			return nil, err
		}
		sources = append(sources, file)
	}
	sources = append(sources, config.FromEnvironment(c.Environment))
	var properties []string
	for name, value := range c.Properties {
		properties = append(properties, name+"="+value)
	}
	slices.Sort(properties)
	if c.DataDir != "" {
		properties = append(properties, "log.dirs="+c.DataDir)
	}
	if c.Listen != "" {
		properties = append(properties, "listeners=PLAINTEXT://"+c.Listen)
	}
	own, err := config.FromSet("Config", properties)
	if err != nil {
		return nil, err
	}
	set, err := config.FromSet("--set", c.Set)
	if err != nil {
		return nil, err
	}
	broker, err := config.Resolve(append(sources, own, set)...)
	if err != nil {
		return nil, err
	}
	for _, warning := range broker.Warnings() {
		c.Logger.Warn(warning)
	}
	if len(broker.LogDirs) != 1 {
		return nil, errors.New("log.dirs names " + strings.Join(broker.LogDirs, ", ") + ": skein keeps its data in one directory; name one")
	}
	return broker, nil
}

// Bootstrap is host:port of the first listener, as clients reach it.
func (n *Node) Bootstrap() string { return n.bootstrap }

// DataDir is the directory that holds the node's data.
func (n *Node) DataDir() string { return n.parts.broker.LogDirs[0] }

// Durability says in a few words what an acknowledgement promises.
func (n *Node) Durability() string {
	if n.parts.broker.Syncs() {
		return "acknowledged records are on disk (log.flush.interval.messages=1)"
	}
	return "acknowledged records are in the page cache; the kernel writes them later"
}

// DumpGroups writes the flight recorder of the group coordinator's loop for one partition of __consumer_offsets, as
// JSON lines.
func (n *Node) DumpGroups(partition int32, w io.Writer) error {
	return n.parts.groups.Dump(partition, w)
}

// Done is closed when the node has ended, by Close or because it could not go on; Err says why then.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err is nil until Done is closed, and after Close; else it is what ended the node.
func (n *Node) Err() error {
	select {
	case <-n.done:
		return n.err
	default:
		return nil
	}
}

// Close answers what is in flight, syncs, and ends the node. It returns when nothing of it is left. A second call
// returns what the first did.
func (n *Node) Close() error {
	if n.closing.CompareAndSwap(false, true) {
		n.closed = n.parts.close()
		n.stopped(nil)
		close(n.left)
	}
	<-n.left
	return n.closed
}

// stopped closes done, with the first reason.
func (n *Node) stopped(reason error) {
	n.ending.Do(func() {
		n.err = reason
		close(n.done)
	})
}
