package controllerlink

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/server/memnet"
)

// self is the broker whose Link is tested; the others are nodes of the quorum that a test plays.
const self metadata.NodeID = 1

// cluster is a controller that the test plays, on whichever node leads, and the local quorum of the broker under test.
type cluster struct {
	t       *testing.T
	network *memnet.Network
	begun   time.Time
	link    *Link
	out     strings.Builder // of the log

	mu        sync.Mutex
	nodes     map[metadata.NodeID]*peertest.Node
	leader    leadership
	offset    record.Offset // of the last entry of the metadata log
	topics    map[string]created
	brokers   map[int32]*broker
	isrs      map[partitionKey]*PartitionState
	producers int64
	leads     int // heartbeats that ask for a shutdown until it is granted

	image    *metadata.Image // of the broker under test
	lag      time.Duration   // between the log and image; negative is never
	unhooked bool            // nobody calls ImageChanged and LeaderChanged

	fault  func(node metadata.NodeID, message protocol.Message) fault
	refuse map[protocol.Key]protocol.Code // instead of carrying a request out
	held   []func()                       // what meets the fault of that name, and what came behind it
	stuck  map[*peertest.Conn]fault       // connections on which a request waits; a node answers in order
	trace  []string
}

type created struct {
	times  int
	offset record.Offset
}

type broker struct {
	incarnation protocol.UUID
	epoch       int64
	offset      record.Offset // of the registration
	fenced      bool
}

// fault is what happens to a request.
type fault int

const (
	works     fault = iota
	lostFirst       // the connection ends before it is carried out
	lostAfter       // the connection ends after it is carried out
	unheard         // nothing is answered, and it is not carried out
	silent          // nothing is answered, and it is carried out
	held            // it is carried out and answered when release is called
)

// inCluster runs f with a Link in a bubble. A goroutine that is left fails the test.
func inCluster(t *testing.T, set func(*Config), f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, network: &memnet.Network{}, begun: time.Now(), nodes: map[metadata.NodeID]*peertest.Node{},
			topics: map[string]created{}, brokers: map[int32]*broker{}, isrs: map[partitionKey]*PartitionState{},
			image: metadata.NewImage("cluster-a"), offset: 99, refuse: map[protocol.Key]protocol.Code{},
			stuck: map[*peertest.Conn]fault{}}
		c.image = c.caughtUp()
		config := Config{
			NodeID: self, Local: c, Address: func(n metadata.NodeID) (string, bool) { return addressOf(n), n != 9 },
			Peer:     peer.Config{ClientID: "skein-1", SoftwareVersion: "1.0", Dial: c.dial, Random: half},
			Register: registration(), OnState: c.onState, Random: half,
			Logger: slog.New(slog.NewTextHandler(io.Writer(&c.out), &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		}
		if set != nil {
			set(&config)
		}
		for node := range metadata.NodeID(3) {
			c.start(node + 2)
		}
		c.leader = leadership{2, 1, true}
		link, err := Open(config)
		if err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		c.link = link
		c.mu.Unlock()
		f(c)
		if err := c.link.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for node := range metadata.NodeID(10) {
			c.stop(node)
		}
	})
}

func half() float64 { return 0.5 }

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func registration() *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID, r.IncarnationID = int32(self), "cluster-a", protocol.UUID{1, 2, 3}
	r.Rack = new("north")
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: "localhost", Port: 9092}}
	r.LogDirs = []protocol.UUID{{7}}
	return r
}

func addressOf(n metadata.NodeID) string { return fmt.Sprintf("127.0.0.%d:9093", n) }

func (c *cluster) dial(ctx context.Context, address string) (net.Conn, error) {
	return c.network.DialContext(ctx, "tcp", address)
}

// set changes what the cluster does.
func (c *cluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// start lets a node listen, stop ends it.
func (c *cluster) start(node metadata.NodeID) {
	c.t.Helper()
	listener, err := c.network.Listen("tcp", addressOf(node))
	if err != nil {
		c.t.Fatal(err)
	}
	n := peertest.Serve(listener, func(r *peertest.Request) { c.handle(node, r) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[node] = n
}

func (c *cluster) stop(node metadata.NodeID) {
	c.mu.Lock()
	n := c.nodes[node]
	delete(c.nodes, node)
	c.mu.Unlock()
	if n != nil {
		n.Close()
	}
}

// lead makes a node the controller; NoNode is an election that has not ended.
func (c *cluster) lead(node metadata.NodeID) {
	c.mu.Lock()
	c.leader = leadership{node, c.leader.epoch + 1, node != metadata.NoNode}
	c.offset++ // the first entry of its term
	c.follow()
	unhooked := c.unhooked
	c.mu.Unlock()
	if !unhooked {
		c.link.LeaderChanged()
	}
}

// Leader, Image and Submit are the local quorum.
func (c *cluster) Leader() (metadata.NodeID, record.LeaderEpoch, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader.node, c.leader.epoch, c.leader.known
}

func (c *cluster) Image() *metadata.Image {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.image
}

func (c *cluster) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	c.mu.Lock()
	if c.leader.node != self {
		c.mu.Unlock()
		done(nil, protocol.Fail(protocol.NotController, "node %d is not the controller", self))
		return
	}
	response := c.decide(self, request, version)
	c.image = c.caughtUp()
	c.mu.Unlock()
	done(response, nil)
}

// follow brings the image of the broker up to date after the lag. Called with mu held.
func (c *cluster) follow() {
	switch {
	case c.lag == 0:
		c.image = c.caughtUp()
		if c.link != nil && !c.unhooked {
			go c.link.ImageChanged()
		}
	case c.lag > 0:
		to := c.caughtUp()
		time.AfterFunc(c.lag, func() {
			c.mu.Lock()
			if to.Offset > c.image.Offset {
				c.image = to
			}
			unhooked, link := c.unhooked, c.link
			c.mu.Unlock()
			if !unhooked && link != nil {
				link.ImageChanged()
			}
		})
	}
}

// caughtUp is the image of all that is committed. Called with mu held.
func (c *cluster) caughtUp() *metadata.Image {
	b := metadata.NewBuilder(metadata.NewImage("cluster-a"))
	b.At(c.offset, c.leader.epoch)
	for id, r := range c.brokers {
		record := &protocol.RegisterBrokerRecord{BrokerID: id, IncarnationID: r.incarnation, BrokerEpoch: r.epoch, Fenced: r.fenced}
		if err := b.Apply(record); err != nil {
			panic(err)
		}
	}
	image, _ := b.Done()
	return image
}

// handle is a node of the quorum.
func (c *cluster) handle(node metadata.NodeID, r *peertest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.stuck[r.Conn]
	if f == works && c.fault != nil {
		f = c.fault(node, r.Message)
	}
	switch f {
	case silent, unheard, held:
		if c.stuck[r.Conn] = f; f == silent {
			c.stuck[r.Conn] = unheard
		}
	}
	switch f {
	case lostFirst:
		_ = r.Conn.Close()
		return
	case unheard:
		return
	case held:
		c.held = append(c.held, func() { r.Reply(c.decide(node, r.Message, r.Version)) })
		return
	}
	response := c.decide(node, r.Message, r.Version)
	switch f {
	case works:
		r.Reply(response)
	case lostAfter:
		_ = r.Conn.Close()
	}
}

// release carries out what was held.
func (c *cluster) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.held {
		f()
	}
	c.held = nil
	maps.DeleteFunc(c.stuck, func(_ *peertest.Conn, f fault) bool { return f == held })
}

func (c *cluster) onState(s State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note("state: %+v", s)
}

// note adds a line to the trace. Called with mu held.
func (c *cluster) note(format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf("%v ", time.Since(c.begun))+fmt.Sprintf(format, args...))
}

// takeTrace returns what happened since the last time.
func (c *cluster) takeTrace() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.Join(c.trace, "\n")
	c.trace = nil
	return text
}
