package quorum

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// HandleMessages takes a QuorumMessages request, which is how a Transport's messages come over the wire. Any goroutine may
// call it; it does not wait, and nothing of the request is kept.
//
// A stranger is refused by name: INCONSISTENT_CLUSTER_ID for a node of another cluster, INVALID_REQUEST if the request is
// for another node or its sender cannot be, UNKNOWN_CONTROLLER_ID if this node leads and has no such member: it was removed
// and has not heard of it, or never was one, and may join. A node that does not lead takes messages of nodes that it does
// not know: they may have become members meanwhile.
func (n *Node) HandleMessages(r *protocol.QuorumMessagesRequest) error {
	from, to, self := metadata.NodeID(r.FromNodeID), metadata.NodeID(r.ToNodeID), n.config.NodeID
	switch {
	case r.ClusterID != n.config.ClusterID:
		return protocol.Fail(protocol.InconsistentClusterID, "node %d belongs to cluster %q, node %d to cluster %q: "+
			"one of the two has another cluster's address or data directory", from, r.ClusterID, self, n.config.ClusterID)
	case to != self:
		return protocol.Fail(protocol.InvalidRequest, "node %d looks for node %d and has found node %d: the address is that of another", from, to, self)
	case from < 0 || from == self:
		return protocol.Fail(protocol.InvalidRequest, "a message of the metadata quorum comes to node %d from node %d: each node has an id of its own", self, from)
	}
	if leader, _, ok := n.Leader(); ok && leader == self {
		if _, member := members(n.Members()).find(from); !member {
			return protocol.Fail(protocol.UnknownControllerID, "node %d is no member of the metadata quorum, whose members are %v: it has to join", from, nodeIDs(n.Members()))
		}
	}
	messages := make([][]byte, len(r.Messages))
	for i := range r.Messages {
		messages[i] = r.Messages[i].Data
	}
	return n.Receive(from, messages)
}
