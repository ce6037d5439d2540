package quorum

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// ready carries out what raft wants done: first what must be durable, then what is committed.
func (n *Node) ready(now time.Time) error {
	rd := n.raft.Ready()
	if !raft.IsEmptySnap(rd.Snapshot) || len(rd.Messages) > 0 {
		panic(fmt.Sprintf("quorum: a voter that is alone gets a snapshot %v, %d messages", rd.Snapshot, len(rd.Messages)))
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		if err := n.saveHardState(rd.HardState); err != nil {
			return err
		}
	}
	if len(rd.Entries) > 0 {
		if err := n.storage.append(rd.Entries, now.UnixMilli()); err != nil {
			return err
		}
	}
	if len(rd.CommittedEntries) > 0 {
		if err := n.apply(now, rd.CommittedEntries); err != nil {
			return err
		}
	}
	n.raft.Advance(rd)
	return nil
}

// alone says whether this node is the only voter.
func (n *Node) alone() bool {
	return slices.Equal(n.storage.conf.GetVoters(), []uint64{raftID(n.config.NodeID)})
}

// saveHardState makes term and vote durable, where anybody else could vote; see restore. The commit index may be late.
func (n *Node) saveHardState(h *raftpb.HardState) error {
	s := n.state.state
	changed := s.term != h.GetTerm() || s.vote != h.GetVote()
	if n.alone() || !changed {
		return nil
	}
	s.term, s.vote, s.commit = h.GetTerm(), h.GetVote(), h.GetCommit()
	return n.state.write(s)
}

// lead makes this node the controller when raft has elected it and the image has everything from before its term: then
// nothing that another controller did is missing, and what this one proposes follows it.
func (n *Node) lead(now time.Time) {
	status := n.raft.BasicStatus()
	if status.RaftState != raft.StateLeader {
		return
	}
	if term := status.GetTerm(); n.term != term {
		n.term, n.first = term, n.storage.last()+1
	}
	if n.controller.Leading() || n.applied < n.first-1 {
		return
	}
	epoch := record.LeaderEpoch(n.term)
	n.step(now, &controller.Lead{Epoch: epoch, Image: n.image.Load()})
	n.leader.Store(&leadership{n.config.NodeID, epoch})
}

// apply makes the image of committed entries, shows it, and tells the controller of its own.
func (n *Node) apply(now time.Time, entries []*raftpb.Entry) error {
	builder := metadata.NewBuilder(n.image.Load())
	own := uint64(0)
	for _, e := range entries {
		if e.GetIndex() != n.applied+1 {
			panic(fmt.Sprintf("quorum: entry %d is applied after entry %d", e.GetIndex(), n.applied))
		}
		sequence, err := applyEntry(builder, e)
		if err != nil {
			return fmt.Errorf("offset %d of %s cannot be applied: %w", offsetOf(e.GetIndex()), logFolder, err)
		}
		if e.GetTerm() == n.term && sequence > 0 {
			own = sequence
		}
		n.applied = e.GetIndex()
	}
	image, delta := builder.Done()
	n.publish(image, delta)
	if own > 0 {
		n.step(now, &controller.Committed{Sequence: own, Offset: image.Offset})
	}
	n.considerSnapshot(now)
	return nil
}

// applyEntry returns the number of the proposal, 0 for an entry that is none.
func applyEntry(builder *metadata.Builder, e *raftpb.Entry) (uint64, error) {
	builder.At(offsetOf(e.GetIndex()), record.LeaderEpoch(e.GetTerm()))
	if e.GetType() != raftpb.EntryNormal {
		return 0, fmt.Errorf("it changes the voters, which this version of skein cannot do")
	}
	if len(e.GetData()) == 0 {
		return 0, nil // a new leader's first entry
	}
	sequence, records, err := decodeProposal(e.GetData())
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		if err := builder.Apply(r); err != nil {
			return 0, err
		}
	}
	return sequence, nil
}
