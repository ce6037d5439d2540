package quorum

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/record"
)

// contact is when a member was heard.
type contact struct {
	heard    time.Time // any message of it
	caughtUp time.Time // it held everything that this node, the leader, held
	refused  uint64    // the last of this node's terms as the controller in which a connection to it was refused
}

func (n *Node) noteContact(now time.Time, from metadata.NodeID, m *raftpb.Message) {
	if _, ok := n.members.find(from); !ok {
		return
	}
	c := n.contacts[from]
	c.heard = now
	if t := m.GetType(); (t == raftpb.MsgAppResp || t == raftpb.MsgHeartbeatResp) && n.progress(from).Match >= n.storage.last() {
		c.caughtUp = now
	}
	n.contacts[from] = c
}

// progress is what the leader knows of a member's log.
func (n *Node) progress(id metadata.NodeID) (found tracker.Progress) {
	n.raft.WithProgress(func(raftID uint64, _ raft.ProgressType, p tracker.Progress) {
		if nodeID(raftID) == id {
			found = p
		}
	})
	return found
}

// Status is the quorum as a node sees it, as DescribeQuorum shows it. Only the leader knows how far the others are.
type Status struct {
	Leader metadata.NodeID    // NoNode if it is not known
	Epoch  record.LeaderEpoch // of the leader, or the last that this node has heard of
	// HighWatermark is the offset after the last entry that is known to be committed.
	HighWatermark record.Offset
	Members       []MemberStatus // sorted by id
}

// MemberStatus is how far one member is.
type MemberStatus struct {
	Member
	// LogEnd is the offset after the last entry that it holds durably; -1 if this node does not know.
	LogEnd record.Offset
	// LastContact is when the node that answers heard of it last, LastCaughtUp when it held everything that the leader
	// held. Zero if never, or if this node does not know.
	LastContact, LastCaughtUp time.Time
}

// Status asks for the quorum's status. done is called once, on the node's goroutine, and must not wait; the error says that
// the node has stopped.
func (n *Node) Status(done func(Status, error)) {
	refuse := func(_ protocol.Message, err error) { done(Status{}, err) }
	err := n.inbox.Put(seat.Message{Done: refuse, Work: func(now time.Time) error {
		done(n.status(now), nil)
		return nil
	}})
	if err != nil {
		done(Status{}, err)
	}
}

func (n *Node) status(now time.Time) Status {
	status := n.raft.BasicStatus()
	s := Status{
		Leader: metadata.NoNode, Epoch: record.LeaderEpoch(status.GetTerm()), HighWatermark: offsetOf(status.GetCommit()) + 1,
	}
	if status.Lead != raft.None {
		s.Leader = nodeID(status.Lead)
	}
	leads := status.RaftState == raft.StateLeader
	for _, m := range n.members {
		one := MemberStatus{Member: m, LogEnd: -1}
		switch {
		case m.ID == n.config.NodeID:
			one.LogEnd, one.LastContact = offsetOf(n.storage.last())+1, now
			if leads {
				one.LastCaughtUp = now
			}
		case leads:
			one.LogEnd = offsetOf(n.progress(m.ID).Match) + 1
			fallthrough
		default:
			c := n.contacts[m.ID]
			one.LastContact = c.heard
			if leads {
				one.LastCaughtUp = c.caughtUp
			}
		}
		s.Members = append(s.Members, one)
	}
	return s
}
