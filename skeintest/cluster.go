package skeintest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// Nodes starts a cluster of n nodes, each voter and broker. Start returns the first; Node finds the others. Replication
// factors are 3, or n if that is less, and min.insync.replicas is 2 from three nodes on.
func Nodes(n int) Option { return func(s *settings) { s.nodes = n } }

// Racks gives the nodes of a cluster their broker.rack, in the order of their ids.
func Racks(racks ...string) Option { return func(s *settings) { s.racks = racks } }

// cluster is what the nodes of one Start share.
type cluster struct {
	nodes []*Node
	held  held
}

// alone says whether the node is its cluster's only one.
func (n *Node) alone() bool { return len(n.cluster.nodes) == 1 }

// startCluster starts the nodes together: none of them is ready before most of them are there.
func (n *Node) startCluster() {
	first, t, count, c := n, n.t, n.settings.nodes, n.cluster
	c.nodes = make([]*Node, count)
	sockets := make([]net.Listener, count)
	var voters []string
	root := first.settings.dataDir
	if root == "" && !first.settings.inMemory {
		root = t.TempDir()
	}
	for i := range count {
		one := first
		if i > 0 {
			copied := *first
			one = &copied
			one.settings = first.settings.clone()
		}
		one.id = i + 1
		one.settings.dataDir = root
		one.prepare()
		c.nodes[i] = one
		socket, err := one.listen("127.0.0.1:0")
		if err != nil {
			t.Fatal("skeintest: ", err)
		}
		sockets[i], one.address = socket, socket.Addr().String()
		voters = append(voters, fmt.Sprintf("%d@%s", one.id, one.address))
	}
	for i, one := range c.nodes {
		one.settings.preset("node.id", fmt.Sprint(one.id))
		if len(one.settings.racks) >= one.id {
			one.settings.preset("broker.rack", one.settings.racks[one.id-1])
		}
		one.settings.preset("controller.quorum.voters", strings.Join(voters, ","))
		one.settings.preset("default.replication.factor", fmt.Sprint(min(count, 3)))
		one.settings.preset("min.insync.replicas", fmt.Sprint(min(max(count-1, 1), 2)))
		one.socket = sockets[i]
	}
	t.Cleanup(c.stop)
	first.OpenAll()
}

// OpenAll opens all nodes of the cluster that are not open, together: none is ready before most of them are there.
func (n *Node) OpenAll() {
	n.t.Helper()
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
	n.needMemory("crash")
	nodes := n.cluster.nodes
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
	if id < 1 || id > len(n.cluster.nodes) {
		n.t.Fatalf("skeintest: there is no node %d", id)
	}
	return n.cluster.nodes[id-1]
}

// Bootstraps is host:port of every node of the cluster.
func (n *Node) Bootstraps() []string {
	var all []string
	for _, other := range n.cluster.nodes {
		all = append(all, other.address)
	}
	return all
}

// reach is how the node reaches others.
func (n *Node) reach(ctx context.Context, address string) (net.Conn, error) {
	if n.faults.down.Load() {
		return nil, fmt.Errorf("node %d has crashed", n.id)
	}
	if n.network != nil {
		return n.network.DialFrom(ctx, n.address, "tcp", address)
	}
	return n.Dial(ctx, "tcp", address)
}
