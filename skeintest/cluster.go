package skeintest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/skein-io/skein/internal/server/memnet"
)

// Nodes starts a cluster of n nodes, each voter and broker. Start returns the first; Node finds the others. Replication
// factors are 3, or n if that is less, and min.insync.replicas is 2 from three nodes on.
func Nodes(n int) Option { return func(s *settings) { s.nodes = n } }

// cluster is what the nodes of one Start share.
type cluster struct {
	nodes []*Node
	links links
}

// startCluster starts the nodes together: none of them is ready before most of them are there.
func startCluster(first *Node) {
	t, count := first.t, first.settings.nodes
	c := &cluster{nodes: make([]*Node, count)}
	sockets := make([]net.Listener, count)
	var voters []string
	root := first.settings.dataDir
	if root == "" && !first.settings.inMemory {
		root = t.TempDir()
	}
	for i := range count {
		n := first
		if i > 0 {
			copied := *first
			n = &copied
			n.settings = first.settings.clone()
		}
		n.id, n.cluster = i+1, c
		n.settings.dataDir = root
		n.prepare()
		c.nodes[i] = n
		socket, err := n.listen("127.0.0.1:0")
		if err != nil {
			t.Fatal("skeintest: ", err)
		}
		sockets[i], n.address = socket, socket.Addr().String()
		voters = append(voters, fmt.Sprintf("%d@%s", n.id, n.address))
	}
	for _, n := range c.nodes {
		n.settings.preset("unstable.feature.versions.enable", "true")
		n.settings.preset("node.id", fmt.Sprint(n.id))
		n.settings.preset("controller.quorum.voters", strings.Join(voters, ","))
		n.settings.preset("default.replication.factor", fmt.Sprint(min(count, 3)))
		n.settings.preset("min.insync.replicas", fmt.Sprint(min(max(count-1, 1), 2)))
	}
	for i, n := range c.nodes {
		n.socket = sockets[i]
	}
	t.Cleanup(c.stop)
	first.OpenAll()
}

// OpenAll opens all nodes of the cluster that are not open, together: none is ready before most of them are there.
func (n *Node) OpenAll() {
	n.t.Helper()
	if n.cluster == nil {
		n.Open()
		return
	}
	nodes := n.cluster.nodes
	failed := make([]error, len(nodes))
	var wait sync.WaitGroup
	for i, one := range nodes {
		if one.node == nil {
			socket := one.socket
			one.socket = nil
			wait.Go(func() { failed[i] = one.open(socket) })
		}
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		n.t.Fatal("skeintest: ", err)
	}
}

// CrashAll ends all nodes of the cluster at once, as a power cut does. OpenAll brings them back.
func (n *Node) CrashAll() {
	n.t.Helper()
	nodes := []*Node{n}
	if n.cluster != nil {
		nodes = n.cluster.nodes
	}
	for _, one := range nodes {
		if one.node != nil {
			one.cutPower()
		}
	}
	var wait sync.WaitGroup
	for _, one := range nodes {
		if one.node != nil {
			wait.Go(one.reap)
		}
	}
	wait.Wait()
}

// stop ends all nodes that run, together.
func (c *cluster) stop() {
	var wait sync.WaitGroup
	for _, n := range c.nodes {
		wait.Go(n.Stop)
	}
	wait.Wait()
}

// Node is a node of the cluster by its node id, 1 to the number of Nodes. A node that was started alone is its only one.
func (n *Node) Node(id int) *Node {
	n.t.Helper()
	if n.cluster == nil && id == n.id {
		return n
	}
	if n.cluster == nil || id < 1 || id > len(n.cluster.nodes) {
		n.t.Fatalf("skeintest: there is no node %d", id)
	}
	return n.cluster.nodes[id-1]
}

// Bootstraps is host:port of every node of the cluster.
func (n *Node) Bootstraps() []string {
	if n.cluster == nil {
		return []string{n.address}
	}
	var all []string
	for _, other := range n.cluster.nodes {
		all = append(all, other.address)
	}
	return all
}

// CutLink stops everything that node from sends to node to, connections that stand and new ones, without a reset, until
// HealLinks. Only nodes in memory can be cut. Both directions need two calls.
func (n *Node) CutLink(from, to int) {
	n.t.Helper()
	if n.cluster == nil || n.network == nil {
		n.t.Fatal("skeintest: only links between nodes in memory can be cut; start them with InMemory and Nodes")
	}
	n.cluster.links.cut(n.Node(from).address, n.Node(to).address)
}

// HealLinks ends every CutLink. What was held back arrives.
func (n *Node) HealLinks() {
	if n.cluster != nil {
		n.cluster.links.heal()
	}
}

// dialer is how the node reaches others.
func (n *Node) dialer() func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		if n.down.Load() {
			return nil, fmt.Errorf("node %d has crashed", n.id)
		}
		c, err := n.Dial(ctx, "tcp", address)
		if err != nil || n.cluster == nil {
			return c, err
		}
		if inMemory, ok := c.(*memnet.Conn); ok {
			n.cluster.links.add(n.address, address, inMemory)
		}
		return c, nil
	}
}

// links are the connections between nodes in memory, and who is cut off from whom.
type links struct {
	mu    sync.Mutex
	conns map[*memnet.Conn]link // the dialling ends
	cuts  map[link]bool
}

// link is a direction between two nodes' addresses. The dialling end's own direction is from who dialled.
type link struct{ from, to string }

func (l *links) add(from, to string, c *memnet.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		l.conns = map[*memnet.Conn]link{}
	}
	l.conns[c] = link{from, to}
	l.apply(c)
}

// apply freezes or thaws both directions of a connection. The caller holds mu.
func (l *links) apply(c *memnet.Conn) {
	at := l.conns[c]
	set := func(end *memnet.Conn, frozen bool) {
		if frozen {
			end.Freeze()
		} else {
			end.Thaw()
		}
	}
	set(c, l.cuts[at])
	set(c.Other(), l.cuts[link{at.to, at.from}])
}

// reset cuts the connections that were made from an address.
func (l *links) reset(from string) {
	l.mu.Lock()
	var cut []*memnet.Conn
	for c, at := range l.conns {
		if at.from == from {
			cut = append(cut, c)
			delete(l.conns, c)
		}
	}
	l.mu.Unlock()
	for _, c := range cut {
		c.Cut()
	}
}

func (l *links) cut(from, to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts == nil {
		l.cuts = map[link]bool{}
	}
	l.cuts[link{from, to}] = true
	for c := range l.conns {
		l.apply(c)
	}
}

func (l *links) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = nil
	for c := range l.conns {
		l.apply(c)
	}
}
