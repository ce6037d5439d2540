package quorum

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/controller"
)

// faults are bugs that a test plants to see that the simulation finds them. A node that is not under test has none.
type faults struct {
	entriesUnsynced    bool // an entry counts before it is on the disk
	snapshotUnsynced   bool // a snapshot counts before it is on the disk
	stateUnsynced      bool // quorum-state counts before it is on the disk
	answersEarly       bool // an answer goes out with the proposal
	compactsEarly      bool // entries go before the snapshot that replaces them is there
	promisesEarly      bool // other nodes are told that something is durable before it is
	installUnsynced    bool // a leader's snapshot counts before it is on the disk
	termForgotten      bool // a node that is no longer alone does not write down its term and vote
	changeForgotten    bool // a change of the members is not noted before it counts
	answersUnconfirmed bool // what needs no proposal is answered by a node that may lead no more
	commitsEarly       bool // a leader takes what it proposed for committed when it has written it itself
}

// commitEarly is a planted bug: a leader answers when it has written a proposal itself.
func (n *Node) commitEarly(now time.Time, entries []*raftpb.Entry) {
	for _, e := range entries {
		if e.GetTerm() == n.term && !changesMembers(e) && len(e.GetData()) > 0 {
			sequence, _, _ := decodeProposal(e.GetData())
			_ = n.step(now, &controller.Committed{Sequence: sequence, Offset: offsetOf(e.GetIndex())})
		}
	}
}
