package zookeeper

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
)

// snapshot is where the node is with its snapshots.
type snapshot struct {
	size    int // of the last, bytes
	bytes   int // of the entries after it
	entries int
	storing bool
	// What the entries up to the image that is being stored add up to.
	coveredBytes, coveredEntries int
}

func (s *snapshot) count(bytes int) {
	s.bytes += bytes
	s.entries++
}

// considerSnapshot begins a snapshot when the entries since the last take as much room as that one, and at least
// Config.SnapshotBytes, or are very many: so the ensemble's memory and a start's reading are bounded. Only the controller does.
func (n *Node) considerSnapshot() {
	s := &n.snapshot
	if s.storing || !n.member.Leading() || s.bytes < max(n.config.SnapshotBytes, s.size) && s.entries < entriesMax {
		return
	}
	s.storing, s.coveredBytes, s.coveredEntries = true, s.bytes, s.entries
	image := n.images.Image()
	encode := func() seat.Message {
		parts := encodeSnapshot(image)
		return seat.Message{Work: func(now time.Time) error {
			s.size = 0
			for _, p := range parts {
				s.size += len(p)
			}
			return n.happen(now, &member.Store{Offset: image.Offset, Epoch: image.Epoch, Parts: parts})
		}}
	}
	if n.config.Manual {
		_ = n.inbox.Put(encode()) // refused when the node has stopped, and then nobody needs it
		return
	}
	n.background.Go(func() { _ = n.inbox.Put(encode()) })
}

// encodeSnapshot makes the parts of a snapshot, each of whole records. A part is about member.PartBytes large; no record is
// nearly as large as what is left of a znode then.
func encodeSnapshot(image *metadata.Image) [][]byte {
	var parts [][]byte
	var body []byte
	for r := range image.Records() {
		body = metadata.AppendRecords(body, r)
		if len(body) >= member.PartBytes {
			parts, body = append(parts, member.AppendPart(body)), body[:0]
		}
	}
	if len(body) > 0 || len(parts) == 0 {
		parts = append(parts, member.AppendPart(body))
	}
	return parts
}

// stored is told of a snapshot that the head names.
func (n *Node) stored(offset record.Offset) {
	s := &n.snapshot
	s.storing = false
	s.bytes, s.entries = s.bytes-s.coveredBytes, s.entries-s.coveredEntries
	n.logger.Info("a snapshot of the metadata log was written to ZooKeeper", "offset", offset)
}
