package tour

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein"
)

// Faults are what a scene may do to the nodes of a cluster. Nodes are called by their ids.
type Faults interface {
	// Cut lets nothing pass between two nodes, in either direction, until Heal.
	Cut(a, b int32)
	Heal()
}

// clusterNodes is how many nodes the tour starts for a scene that needs several.
const clusterNodes = 3

// LagMax is replica.lag.time.max.ms of the tour's clusters, so that nobody waits long.
const LagMax = 2 * time.Second

// ClusterProperties are those of each node of a cluster, beside Properties.
func ClusterProperties() map[string]string {
	p := Properties()
	p["replica.lag.time.max.ms"] = strconv.FormatInt(LagMax.Milliseconds(), 10)
	p["min.insync.replicas"] = "2"
	return p
}

// OpenCluster starts three brokers on free ports of 127.0.0.1, with their data in a directory that Close removes.
func OpenCluster() (*Broker, error) {
	dir, err := os.MkdirTemp("", "skein-tour-")
	if err != nil {
		return nil, err
	}
	c := &localCluster{links: localLinks{nodes: map[string]int32{}, conns: map[*localConn]bool{}, cuts: map[[2]int32]bool{}}}
	if err := c.open(dir); err != nil {
		return nil, errors.Join(err, c.close(), os.RemoveAll(dir))
	}
	return &Broker{Bootstrap: c.nodes[0].Bootstrap(), Dial: dialTCP, Faults: &c.links, Session: Session, Heartbeat: Heartbeat, Close: func() {
		_ = c.close()
		_ = os.RemoveAll(dir)
	}}, nil
}

// localCluster is the nodes of this process.
type localCluster struct {
	nodes [clusterNodes]*skein.Node
	links localLinks
}

// open starts them together: none is ready before most of them are there.
func (c *localCluster) open(dir string) error {
	var sockets [clusterNodes]net.Listener
	var voters []string
	for i := range sockets {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			for _, open := range sockets[:i] {
				_ = open.Close()
			}
			return err
		}
		sockets[i] = socket
		c.links.nodes[socket.Addr().String()] = int32(i + 1)
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, socket.Addr()))
	}
	var failed [clusterNodes]error
	var wait sync.WaitGroup
	for i := range c.nodes {
		properties := ClusterProperties()
		properties["unstable.feature.versions.enable"] = "true"
		properties["node.id"], properties["controller.quorum.voters"] = strconv.Itoa(i+1), strings.Join(voters, ",")
		wait.Go(func() {
			c.nodes[i], failed[i] = skein.Open(skein.Config{DataDir: filepath.Join(dir, strconv.Itoa(i+1)), Listener: sockets[i], Properties: properties,
				Dial: c.links.dialer(int32(i + 1))})
		})
	}
	wait.Wait()
	return errors.Join(failed[:]...)
}

func (c *localCluster) close() error {
	c.links.Heal()
	var failed [clusterNodes]error
	var wait sync.WaitGroup
	for i, node := range c.nodes {
		if node != nil {
			wait.Go(func() { failed[i] = node.Close() })
		}
	}
	wait.Wait()
	return errors.Join(failed[:]...)
}

// localLinks are the connections between the nodes of this process.
type localLinks struct {
	nodes map[string]int32 // by address; it does not change any more when the nodes run

	mu    sync.Mutex
	conns map[*localConn]bool
	cuts  map[[2]int32]bool // the lesser id first
}

// localConn is one of them.
type localConn struct {
	net.Conn
	links *localLinks
	link  [2]int32
}

func linkOf(a, b int32) [2]int32 { return [2]int32{min(a, b), max(a, b)} }

// dialer is how a node reaches the others.
func (l *localLinks) dialer(from int32) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		link := linkOf(from, l.nodes[address])
		conn, err := dialTCP(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.cuts[link] {
			_ = conn.Close()
			return nil, fmt.Errorf("the link between nodes %d and %d is cut", link[0], link[1])
		}
		c := &localConn{Conn: conn, links: l, link: link}
		l.conns[c] = true
		return c, nil
	}
}

func (c *localConn) Close() error {
	c.links.mu.Lock()
	delete(c.links.conns, c)
	c.links.mu.Unlock()
	return c.Conn.Close()
}

// Cut implements Faults: connections end, and new ones fail.
func (l *localLinks) Cut(a, b int32) {
	link := linkOf(a, b)
	l.mu.Lock()
	l.cuts[link] = true
	var ended []*localConn
	for c := range l.conns {
		if c.link == link {
			ended = append(ended, c)
		}
	}
	l.mu.Unlock()
	for _, c := range ended {
		_ = c.Close()
	}
}

// Heal implements Faults.
func (l *localLinks) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.cuts)
}
