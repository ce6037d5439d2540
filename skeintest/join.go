package skeintest

import (
	"fmt"
	"strings"
)

// Join starts another node, with the next node id, that joins the cluster of this one, or makes one of it and a node that was
// alone. It returns when the node serves; it is a broker then, and no voter.
func (n *Node) Join(options ...Option) *Node {
	n.t.Helper()
	joined, err := n.TryJoin(options...)
	if err != nil {
		n.t.Fatal("skeintest: ", err)
	}
	return joined
}

// TryJoin is Join that says why the node did not start.
func (n *Node) TryJoin(options ...Option) (*Node, error) {
	n.t.Helper()
	if n.cluster == nil {
		n.cluster = &cluster{nodes: []*Node{n}}
	}
	joined := &Node{t: n.t, id: len(n.cluster.nodes) + 1, cluster: n.cluster, network: n.network, settings: n.settings.clone()}
	for _, name := range []string{"node.id", "controller.quorum.voters", "controller.quorum.bootstrap.servers"} {
		delete(joined.settings.properties, name)
	}
	joined.settings.dataDir = ""
	for _, option := range options {
		option(&joined.settings)
	}
	joined.settings.preset("node.id", fmt.Sprint(joined.id))
	joined.settings.preset("controller.quorum.bootstrap.servers", strings.Join(n.Bootstraps(), ","))
	joined.prepare()
	socket, err := joined.listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	joined.address = socket.Addr().String()
	if err := joined.open(socket); err != nil {
		return nil, err
	}
	n.cluster.nodes = append(n.cluster.nodes, joined)
	n.t.Cleanup(joined.Stop)
	return joined, nil
}

// Move gives a node that is stopped another address, which it has when it opens again.
func (n *Node) Move() {
	n.t.Helper()
	if n.node != nil {
		n.t.Fatal("skeintest: only a node that is stopped can move")
	}
	socket, err := n.listen("127.0.0.1:0")
	if err != nil {
		n.t.Fatal("skeintest: ", err)
	}
	n.address = socket.Addr().String()
	_ = socket.Close() // Open listens there
}
