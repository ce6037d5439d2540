package quorum

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Transport carries messages to other nodes, which give them to their Node.Receive.
type Transport interface {
	// Send gives messages to a node, soon or never. It does not block, and is called on one goroutine. Messages to one node
	// arrive in their order; a repetition does no harm. Each is one raft message as raft encodes it; they are the
	// transport's from now on. A node that is no member has no Address: it is reached where it came from, or not at all.
	Send(to Member, messages [][]byte)
}

// send gives messages to the transport, each node's in their order.
func (n *Node) send(messages []*raftpb.Message) error {
	for len(messages) > 0 {
		to := messages[0].GetTo()
		var encoded [][]byte
		rest := messages[:0:0]
		for _, m := range messages {
			if m.GetTo() != to {
				rest = append(rest, m)
				continue
			}
			b, err := proto.Marshal(m)
			if err != nil {
				return err
			}
			encoded = append(encoded, b)
			if m.GetType() == raftpb.MsgSnap {
				n.sent = append(n.sent, to)
			}
		}
		member, _ := n.members.find(nodeID(to))
		n.config.Transport.Send(member, encoded)
		messages = rest
	}
	return nil
}

// reportSent tells raft that the snapshots are on their way. Should one be lost, the node at the other end refuses what
// comes next, and gets another.
func (n *Node) reportSent() {
	for _, to := range n.sent {
		n.raft.ReportSnapshot(to, raft.SnapshotFinish)
	}
	n.sent = n.sent[:0]
}

// promises says whether a message says that something is durable here: an entry that was taken, a vote that was given.
// Those wait for the disk; a leader's entries may be on their way to the others while it writes them itself (Ongaro,
// Consensus: Bridging Theory and Practice, 10.2.1), and its term is durable already.
func promises(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgAppResp, raftpb.MsgVoteResp, raftpb.MsgPreVoteResp:
		return true
	}
	return false
}

// split parts the messages that may leave at once from those that wait for the disk.
func split(messages []*raftpb.Message) (early, late []*raftpb.Message) {
	for _, m := range messages {
		if promises(m) {
			late = append(late, m)
		} else {
			early = append(early, m)
		}
	}
	return early, late
}
