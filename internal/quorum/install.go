package quorum

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/quorum/seat"
)

// A member that lacks entries which the leader has no more, or has nothing at all, gets the leader's image: a snapshot as a
// file has it, in one message.

// retrySnapshot is how long a snapshot that is too large to be sent is not made again.
const retrySnapshot = 10 * time.Second

var errTooLarge = errors.New("the snapshot is too large")

// snapshotToSend makes a snapshot of what is applied now. The newest file would do for most, but not for a member that
// joined after it was written: raft takes no snapshot in which it is no member.
func (n *Node) snapshotToSend() (*raftpb.Snapshot, error) {
	if n.now.Before(n.snapshot.sendAgain) {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	image, sizeMax := n.images.Image(), n.config.SnapshotSendMax
	c := checkpoint{index: n.applied, term: uint64(max(image.Epoch, 0)), clusterID: image.ClusterID(), members: n.members}
	var data []byte
	err := encodeCheckpoint(c, image, func(b []byte) error {
		if len(data)+len(b) > sizeMax {
			return errTooLarge
		}
		data = append(data, b...)
		return nil
	})
	if err != nil || c.index == 0 {
		n.snapshot.sendAgain = n.now.Add(retrySnapshot)
		n.logger.Error("a member of the metadata quorum is too far behind for the log, and cannot be sent a snapshot: it stays behind",
			"offset", offsetOf(c.index), "bytes max", sizeMax, "cause", err)
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	conf := c.members.confState()
	return &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{
		Index: new(c.index), Term: new(c.term), ConfState: &conf,
	}}, nil
}

// install lets a leader's snapshot take the place of everything that this node has: first the permission for that, then
// the file, then the log; each is durable before the next is touched, and a start goes on from any of them.
func (n *Node) install(s *raftpb.Snapshot) error {
	meta := s.GetMetadata()
	i := slices.IndexFunc(n.arrived, func(in *incoming) bool {
		return in.checkpoint.index == meta.GetIndex() && in.checkpoint.term == meta.GetTerm()
	})
	if i < 0 {
		panic(fmt.Sprintf("quorum: raft installs a snapshot at entry %d of epoch %d, which has not arrived", meta.GetIndex(), meta.GetTerm()))
	}
	in := n.arrived[i]
	c := &in.checkpoint
	state := n.state.state
	state.replacedIndex, state.replacedTerm = c.index, c.term
	if err := n.state.write(state); err != nil {
		return err
	}
	size, err := writeCheckpointFile(n.config.FS, logFolder+"/"+c.fileName(), n.config.faults.installUnsynced,
		func(write func([]byte) error) error { return write(in.data) })
	if err != nil {
		return err
	}
	if err := n.storage.reset(c); err != nil {
		return err
	}
	n.applied = c.index
	n.snapshot.size, n.snapshot.retryAt = size, 0
	n.setMembers(c.members)
	n.images.Publish(in.image, seat.Difference(n.images.Image(), in.image))
	n.tellMembers()
	n.logger.Info("a snapshot of the metadata log was installed", "offset", offsetOf(c.index), "epoch", c.term, "bytes", size)
	if n.snapshot.running { // its file is being written; snapshotDone removes both
		return nil
	}
	return removeCheckpoints(n.config.FS, logFolder)
}
