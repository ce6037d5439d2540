package quorum

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// handOverMax is how long Close waits for another voter to lead. Without it the others wait for their own patience to end.
const handOverMax = 2 * electionTimeout

// handOver lets another voter lead, if there is one that is there, before this node ends. It waits for that, but not
// beyond handOverMax.
func (n *Node) handOver() {
	if n.config.Manual || members(n.Members()).voters() < 2 {
		return
	}
	over := make(chan struct{})
	err := n.inbox.Put(seat.Message{
		Work: func(now time.Time) error {
			if n.yield(now) {
				n.handingOver = over
			} else {
				close(over)
			}
			return nil
		},
		Done: func(protocol.Message, error) { close(over) },
	})
	if err != nil {
		return
	}
	timer := time.NewTimer(handOverMax)
	defer timer.Stop()
	select {
	case <-over:
	case <-n.done:
	case <-timer.C:
	}
}

// yield gives the leadership to the voter that holds most, of those that the leader hears; false if there is none, or this
// node does not lead. What waits for the controller is answered with NOT_CONTROLLER: another will carry it out.
func (n *Node) yield(now time.Time) bool {
	if n.raft.BasicStatus().RaftState != raft.StateLeader {
		return false
	}
	best, match := metadata.NoNode, uint64(0)
	n.raft.WithProgress(func(id uint64, kind raft.ProgressType, p tracker.Progress) {
		if node := nodeID(id); node != n.config.NodeID && kind == raft.ProgressTypePeer && p.RecentActive && p.Match > match {
			best, match = node, p.Match
		}
	})
	if best == metadata.NoNode {
		return false
	}
	n.logger.Info("the leadership of the metadata quorum is handed over", "to", best)
	n.cede(now)
	n.raft.TransferLeader(raftID(best))
	return true
}

// cede ends the controller's time, though raft may have this node lead. It begins anew, in the same term, when nobody has
// taken over and everything in the log is applied.
func (n *Node) cede(now time.Time) {
	n.cededTerm = n.raft.BasicStatus().GetTerm()
	n.resign(now)
}
