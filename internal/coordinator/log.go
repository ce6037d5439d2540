package coordinator

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Log is a partition of __consumer_offsets that this node leads, in one leader epoch. Nobody else appends to it.
type Log interface {
	// Append writes one batch (format v2, not compressed) and gives it its offsets and leader epoch, in place. The bytes
	// are the caller's again when it returns. NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR and an error without a code mean
	// that the batch may have been written; with any other code it was not.
	Append(batch []byte) (base record.Offset, err error)
	// OnCommitted calls f once: with nil when every record below an offset is committed, at once if it is, or with an error
	// when that can no longer be known here. f may run on any goroutine and does not block.
	OnCommitted(below record.Offset, f func(error))
	// Load gives all batches from an offset up to the high watermark, in order, whole and checked. The bytes are valid
	// during f. An error of f ends it and is returned.
	Load(from record.Offset, f func(batch record.Batch) error) error
	// HighWatermark is the offset below which every record is committed.
	HighWatermark() record.Offset
	// Leased says whether nobody else can lead the partition by now. What is answered when it is false may be outdated.
	Leased() bool
	// LogEnd is the offset that the next record will have.
	LogEnd() record.Offset
}

// refusedUnwritten says whether an error of Append means that nothing was written, so that the state is still that of
// the log.
func refusedUnwritten(err error) bool {
	switch protocol.CodeOf(err) {
	case protocol.NotLeaderOrFollower, protocol.KafkaStorageError, protocol.UnknownServerError:
		return false
	default:
		return true
	}
}
