package quorum

import (
	"time"

	"github.com/skein-io/skein/internal/quorum/seat"
)

// snapshotState is where the node is with its snapshots.
type snapshotState struct {
	size    int64 // of the newest, bytes
	running bool
	retryAt int64 // bytes of entries at which to try again after a failure

	sendAgain time.Time // none is sent to another node before, because it was too large
}

// considerSnapshot begins a snapshot when the entries since the last take as much room as that one, and at least
// Config.SnapshotBytes: so writing snapshots costs at most as much again as writing the log, and the log is bounded.
func (n *Node) considerSnapshot(now time.Time) {
	s := &n.snapshot
	if s.running || n.storage.bytes < max(n.config.SnapshotBytes, s.size, s.retryAt) {
		return
	}
	s.running = true
	if n.config.faults.compactsEarly {
		_ = n.storage.log.compact(n.applied, now.UnixMilli())
	}
	image := n.images.Image()
	c := checkpoint{index: n.applied, term: uint64(image.Epoch), clusterID: image.ClusterID(), members: n.members}
	write := func() seat.Message {
		size, err := writeCheckpoint(n.config.FS, logFolder, c, image, n.config.faults.snapshotUnsynced)
		return seat.Message{Work: func(now time.Time) error { return n.snapshotDone(now, c, size, err) }}
	}
	if n.config.Manual {
		_ = n.inbox.Put(write()) // refused when the node has stopped, and then nobody needs it
		return
	}
	n.background.Go(func() { _ = n.inbox.Put(write()) })
}

// snapshotDone lets what the snapshot holds go. A snapshot that could not be written costs nothing but room: the next
// try comes when as many entries again have been written.
func (n *Node) snapshotDone(now time.Time, c checkpoint, size int64, err error) error {
	n.snapshot.running = false
	if err != nil {
		n.snapshot.retryAt = 2 * n.storage.bytes
		n.logger.Warn("a snapshot of the metadata log failed", "offset", offsetOf(c.index), "cause", err)
		return nil
	}
	if c.index > n.storage.index { // else a leader's snapshot has overtaken it
		n.snapshot.size, n.snapshot.retryAt = size, 0
		if err := n.storage.compact(c.index, c.members, now.UnixMilli()); err != nil {
			return err
		}
	}
	return removeCheckpoints(n.config.FS, logFolder)
}
