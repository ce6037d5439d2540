package quorum

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// ready carries out what raft wants done, in the order that raft asks for: term and vote are durable before any message
// leaves; entries, snapshots and changes of the members before one leaves that promises them; then comes what is committed.
func (n *Node) ready(now time.Time) error {
	rd := n.raft.Ready()
	if !raft.IsEmptyHardState(rd.HardState) {
		if err := n.saveHardState(rd.HardState); err != nil {
			return err
		}
	}
	early, late := split(rd.Messages)
	if n.config.faults.promisesEarly {
		early, late = rd.Messages, nil
	}
	if err := n.send(early); err != nil {
		return err
	}
	if err := n.keep(now, rd); err != nil {
		return err
	}
	if err := n.send(late); err != nil {
		return err
	}
	if err := n.apply(now, rd.CommittedEntries); err != nil {
		return err
	}
	n.confirms(rd.ReadStates)
	n.raft.Advance(rd)
	n.reportSent()
	n.arrived = nil
	return nil
}

// keep makes durable what raft hands over.
func (n *Node) keep(now time.Time, rd raft.Ready) error {
	if !raft.IsEmptySnap(rd.Snapshot) {
		if err := n.install(rd.Snapshot); err != nil {
			return err
		}
	}
	if len(rd.Entries) > 0 {
		if err := n.storage.append(rd.Entries, now.UnixMilli()); err != nil {
			return err
		}
		if n.config.faults.commitsEarly {
			n.commitEarly(now, rd.Entries)
		}
	}
	return n.noteMembers()
}

// saveHardState makes term and vote durable, where anybody else could vote; see restore. The commit index goes along: that
// of what is applied, for what is known to be committed may be in the log not yet, and another entry in its place.
func (n *Node) saveHardState(h *raftpb.HardState) error {
	s := n.state.state
	changed := s.term != h.GetTerm() || s.vote != h.GetVote()
	if n.members.alone(n.config.NodeID) || !changed {
		return nil
	}
	s.term, s.vote = h.GetTerm(), h.GetVote()
	if n.applied > s.commit {
		s.commit, s.members = n.applied, n.members
	}
	return n.state.write(s)
}

// noteCommit lets the next start go on from what is applied now. A node that is alone knows without.
func (n *Node) noteCommit() error {
	s := n.state.state
	if n.members.alone(n.config.NodeID) || s.commit >= n.applied || n.Err() != nil {
		return nil
	}
	s.commit, s.members = n.applied, n.members
	return n.state.write(s)
}

// lead makes this node the controller when raft has elected it and the image has everything from before its term: then
// nothing that another controller did is missing, and what this one proposes follows it. It ends the controller's time when
// raft has ended the leader's, and shows who leads.
func (n *Node) lead(now time.Time) {
	status := n.raft.BasicStatus()
	leads, term := status.RaftState == raft.StateLeader, status.GetTerm()
	if n.term > 0 && (!leads || term != n.term) {
		n.resign(now)
	}
	if !leads {
		n.follow(status)
		if n.members.decides(n.config.NodeID) && status.RaftState == raft.StateFollower {
			n.stand() // the others have left: it need not wait
		}
		return
	}
	switch {
	case term == n.cededTerm:
		if status.LeadTransferee != raft.None || n.raft.HasReady() {
			return
		}
		// Nobody has taken over. Nothing was proposed since, and all that was is in the log.
		n.cededTerm, n.term, n.first, n.since = 0, term, n.storage.last()+1, now
	case n.term != term:
		n.since = now
		n.term, n.first = term, n.progress(n.config.NodeID).Match+1
		n.leader.Store(nil) // nobody is the controller until this node is
	}
	if n.seat.Controller.Leading() || n.applied < n.first-1 {
		return
	}
	epoch := record.LeaderEpoch(n.term)
	n.show(leadership{n.config.NodeID, epoch})
	_ = n.step(now, &controller.Lead{Epoch: epoch, Image: n.images.Image(), Several: !n.members.decides(n.config.NodeID)})
}

// follow shows who leads, if it is another node.
func (n *Node) follow(status raft.BasicStatus) {
	if n.handingOver != nil {
		close(n.handingOver)
		n.handingOver = nil
	}
	shown := n.leader.Load()
	if status.Lead == raft.None {
		if shown != nil {
			n.leader.Store(nil)
		}
		return
	}
	now := leadership{nodeID(status.Lead), record.LeaderEpoch(status.GetTerm())}
	if shown == nil || *shown != now {
		n.show(now)
	}
}

// show tells who leads.
func (n *Node) show(l leadership) {
	n.leader.Store(&l)
	if n.config.OnLeader != nil {
		n.config.OnLeader()
	}
}

// resign ends the controller's time: whoever waits is told to ask another.
func (n *Node) resign(now time.Time) {
	n.term, n.first = 0, 0
	n.leader.Store(nil)
	_ = n.step(now, &controller.Resign{})
	n.unconfirmed(protocol.Fail(protocol.NotController, "node %d is no longer the controller", n.config.NodeID))
	n.abandonChange(protocol.Fail(protocol.NotController, "node %d is no longer the controller; the change of the members may happen, or not", n.config.NodeID))
}

// apply makes the image of committed entries, shows it, and tells the controller of its own. A change of the members has
// its effect when everything before it has been seen.
func (n *Node) apply(now time.Time, entries []*raftpb.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for len(entries) > 0 {
		part := entries
		if i := slices.IndexFunc(entries, changesMembers); i >= 0 {
			part = entries[:i+1]
		}
		own, err := n.applyPart(part)
		if err != nil {
			return err
		}
		if last := part[len(part)-1]; changesMembers(last) {
			if err := n.applyChange(last); err != nil {
				return err
			}
		}
		if own > 0 {
			if err := n.step(now, &controller.Committed{Sequence: own, Offset: offsetOf(n.applied)}); err != nil {
				return err
			}
		}
		entries = entries[len(part):]
	}
	n.considerSnapshot(now)
	return nil
}

// applyPart returns the number of the last proposal in it that is this controller's, 0 if none is.
func (n *Node) applyPart(entries []*raftpb.Entry) (own uint64, err error) {
	builder := metadata.NewBuilder(n.images.Image())
	for _, e := range entries {
		if e.GetIndex() != n.applied+1 {
			panic(fmt.Sprintf("quorum: entry %d is applied after entry %d", e.GetIndex(), n.applied))
		}
		sequence, err := applyEntry(builder, e)
		if err != nil {
			return 0, fmt.Errorf("offset %d of %s cannot be applied: %w", offsetOf(e.GetIndex()), logFolder, err)
		}
		if e.GetTerm() == n.term && sequence > 0 {
			own = sequence
		}
		n.applied = e.GetIndex()
	}
	n.storage.begun = true
	image, delta := builder.Done()
	n.images.Publish(image, delta)
	if n.applying != nil {
		n.applying(entries)
	}
	return own, nil
}

// applyEntry returns the number of the proposal, 0 for an entry that is none.
func applyEntry(builder *metadata.Builder, e *raftpb.Entry) (uint64, error) {
	builder.At(offsetOf(e.GetIndex()), record.LeaderEpoch(e.GetTerm()))
	if len(e.GetData()) == 0 || changesMembers(e) {
		return 0, nil // a new leader's first entry has no data; a change of the members does not change the image
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
