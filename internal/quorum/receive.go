package quorum

import (
	"fmt"
	"math"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// delivery is what one call of Receive brought.
type delivery struct {
	from      metadata.NodeID
	messages  []*raftpb.Message
	snapshots []*incoming // those that the messages hold, in their order
}

// incoming is a leader's snapshot, read and checked.
type incoming struct {
	checkpoint checkpoint
	image      *metadata.Image
	data       []byte
}

// Receive takes messages that another node's Transport was given, in their order. Any goroutine may call it; it does not
// wait. Messages that cannot be are refused with INVALID_REQUEST, all of them, before anything is done with one; with
// THROTTLING_QUOTA_EXCEEDED more than seat.MailMax calls wait already. Either may be ignored: raft sends again.
//
// It does not check who sends. See HandleMessages.
func (n *Node) Receive(from metadata.NodeID, messages [][]byte) error {
	d := &delivery{from: from}
	for _, b := range messages {
		m := &raftpb.Message{}
		err := proto.Unmarshal(b, m)
		if err == nil {
			err = n.admit(d, m)
		}
		if err != nil {
			return protocol.Fail(protocol.InvalidRequest, "a message of the metadata quorum from node %d: %w", from, err)
		}
		d.messages = append(d.messages, m)
	}
	return n.inbox.Put(seat.Message{Mail: true, Work: func(now time.Time) error { return n.deliver(now, d) }})
}

// admit checks a message by itself: what raft takes for granted.
func (n *Node) admit(d *delivery, m *raftpb.Message) error {
	switch {
	case d.from < 0 || d.from == n.config.NodeID || m.GetFrom() != raftID(d.from):
		return fmt.Errorf("it says that it comes from raft's node %d", m.GetFrom())
	case m.GetTo() != raftID(n.config.NodeID):
		return fmt.Errorf("it is for raft's node %d, this is node %d", m.GetTo(), n.config.NodeID)
	case m.GetTerm() == 0 || m.GetTerm() > math.MaxInt32 || m.GetIndex() > math.MaxInt64:
		return fmt.Errorf("it has term %d and index %d", m.GetTerm(), m.GetIndex())
	}
	switch m.GetType() {
	case raftpb.MsgApp:
		return checkEntries(m)
	case raftpb.MsgSnap:
		return n.admitSnapshot(d, m)
	case raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp,
		raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp, raftpb.MsgTimeoutNow:
		return nil
	}
	return fmt.Errorf("no node sends a %v to another", m.GetType())
}

// checkEntries sees to it that entries follow one another, and none is later than the leader.
func checkEntries(m *raftpb.Message) error {
	index, term := m.GetIndex(), m.GetLogTerm()
	for _, e := range m.GetEntries() {
		index++
		if e.GetIndex() != index || e.GetTerm() < term || e.GetTerm() > m.GetTerm() || e.GetType() > raftpb.EntryConfChangeV2 {
			return fmt.Errorf("entry %d of epoch %d stands where entry %d of epoch %d to %d belongs", e.GetIndex(), e.GetTerm(), index, term, m.GetTerm())
		}
		term = e.GetTerm()
	}
	return nil
}

// admitSnapshot reads a snapshot here, on the caller's goroutine: one that cannot be read is not installed.
func (n *Node) admitSnapshot(d *delivery, m *raftpb.Message) error {
	s := m.GetSnapshot()
	c, image, err := decodeCheckpoint(s.GetData())
	if err != nil {
		return err
	}
	meta := s.GetMetadata()
	switch {
	case c.clusterID != n.config.ClusterID:
		return fmt.Errorf("the snapshot is of cluster %q, this node is of cluster %q", c.clusterID, n.config.ClusterID)
	case c.index == 0 || c.index != meta.GetIndex() || c.term != meta.GetTerm() || c.term > m.GetTerm() || !c.members.sameConf(meta.GetConfState()):
		return fmt.Errorf("the snapshot at entry %d of epoch %d with %d members is announced as another: %v", c.index, c.term, len(c.members), meta)
	case c.members.voters() == 0:
		return fmt.Errorf("the snapshot has no voter")
	}
	d.snapshots = append(d.snapshots, &incoming{checkpoint: c, image: image, data: s.GetData()})
	return nil
}

// deliver gives messages to raft.
func (n *Node) deliver(now time.Time, d *delivery) error {
	n.arrived = append(n.arrived, d.snapshots...)
	for _, m := range d.messages {
		refused, err := n.refuse(m)
		if err != nil {
			return err
		}
		if refused != "" {
			n.logger.Debug("a message of the metadata quorum is dropped", "from", d.from, "type", m.GetType(), "cause", refused)
			continue
		}
		if err := n.raft.Step(m); err != nil {
			n.logger.Debug("a message of the metadata quorum is dropped", "from", d.from, "type", m.GetType(), "cause", err)
			continue
		}
		n.noteRole()
		n.heard(m)
		n.noteContact(now, d.from, m)
	}
	return nil
}

// refuse says why a message cannot concern this node as it is. An error says that this node must not go on.
func (n *Node) refuse(m *raftpb.Message) (string, error) {
	answer := m.GetType() == raftpb.MsgAppResp || m.GetType() == raftpb.MsgHeartbeatResp
	last := n.storage.last()
	switch {
	case n.members.decides(n.config.NodeID) && !answer:
		return "this node is the only voter, nobody else can lead", nil
	case len(n.members) > 0 && m.GetType() == raftpb.MsgHeartbeat && m.GetCommit() > last && m.GetTerm() >= n.raft.BasicStatus().GetTerm():
		// What a leader tells here as agreed upon this node has said it holds.
		return "", fmt.Errorf("node %d leads and knows that this node held the entries up to %d; its log ends with entry %d: "+
			"the log directory is not what it was. Remove node %d from the quorum, and let it join again without the folder %s",
			nodeID(m.GetFrom()), m.GetCommit(), last, n.config.NodeID, logFolder)
	case len(n.members) > 0:
		return "", nil
	}
	switch m.GetType() {
	case raftpb.MsgVote, raftpb.MsgPreVote, raftpb.MsgTimeoutNow:
		return "this node is no member yet", nil
	case raftpb.MsgHeartbeat:
		if m.GetCommit() > 0 {
			return fmt.Sprintf("this node has no log, and was a member before with entries up to %d", m.GetCommit()), nil
		}
	case raftpb.MsgApp:
		if m.GetIndex() == 0 {
			return "this node does not know with whom the cluster began: it waits for a snapshot", nil
		}
	}
	return "", nil
}
