package partition

import (
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Read returns whole batches from the one that holds from, up to the high watermark upTo, of at most maxBytes unless
// atLeastOne and the first batch alone is larger. An offset between the high watermark and the log's end gives
// nothing and no error, as in Kafka; one outside the log is OFFSET_OUT_OF_RANGE. The caller releases the slice.
func (p *Partition) Read(from, upTo record.Offset, maxBytes int, atLeastOne bool) (commitlog.Slice, error) {
	start, end := p.log.StartOffset(), p.log.EndOffset()
	if from < start || from > end {
		return commitlog.Slice{}, protocol.Fail(protocol.OffsetOutOfRange,
			"%s holds offsets %d to %d; %d was asked for", p.Name, start, end, from)
	}
	if from >= upTo || maxBytes <= 0 && !atLeastOne {
		return commitlog.Slice{}, nil
	}
	slice, err := p.log.Read(from, upTo, maxBytes, atLeastOne)
	if err != nil {
		p.Spoilt(err)
	}
	return slice, err
}

// Special timestamps of ListOffsets.
const (
	LatestTimestamp        int64 = -1
	EarliestTimestamp      int64 = -2
	MaxTimestamp           int64 = -3 // KIP-734
	EarliestLocalTimestamp int64 = -4 // KIP-405
	LatestTieredTimestamp  int64 = -5 // KIP-1005
	EarliestPendingUpload  int64 = -6 // KIP-1023
)

// Found is an answer of ListOffsets. Offset is -1 where there is none.
type Found struct {
	Offset    record.Offset
	Timestamp int64
	Epoch     record.LeaderEpoch
}

var notFound = Found{Offset: -1, Timestamp: record.NoTimestamp, Epoch: record.NoLeaderEpoch}

// Find answers ListOffsets: the first committed record whose timestamp is at least the given one, or what a special
// timestamp names.
func (p *Partition) Find(timestamp int64) (Found, error) {
	epoch, leading := p.LeaderEpoch()
	if !leading {
		return notFound, p.notLeader()
	}
	if err := p.Forsaken(); err != nil {
		return notFound, err
	}
	highWatermark := p.HighWatermark()
	switch timestamp {
	case LatestTimestamp:
		if !p.Settled() {
			return notFound, p.notSettled()
		}
		return Found{Offset: highWatermark, Timestamp: record.NoTimestamp, Epoch: epoch}, nil
	case EarliestTimestamp, EarliestLocalTimestamp:
		start := p.log.StartOffset()
		return Found{Offset: start, Timestamp: record.NoTimestamp, Epoch: p.epochAt(start, epoch)}, nil
	case LatestTieredTimestamp, EarliestPendingUpload: // there is no tiered storage
		return notFound, nil
	}
	var found commitlog.TimestampOffset
	var ok bool
	var err error
	if timestamp == MaxTimestamp {
		found, ok, err = p.log.MaxTimestamp(highWatermark)
	} else if timestamp < 0 {
		return notFound, protocol.Fail(protocol.UnsupportedVersion, "timestamp %d of ListOffsets has no meaning", timestamp)
	} else {
		found, ok, err = p.log.OffsetForTimestamp(timestamp, highWatermark)
	}
	if err == nil && !ok && !p.Settled() { // it may be above the high watermark that is not known yet
		err = p.notSettled()
	}
	if err != nil || !ok {
		return notFound, err
	}
	return Found{Offset: found.Offset, Timestamp: found.Timestamp, Epoch: p.epochAt(found.Offset, epoch)}, nil
}

func (p *Partition) notSettled() error {
	return protocol.Fail(protocol.OffsetNotAvailable, "node %d has taken the lead of %s and does not know yet how far it is committed", p.host.self, p.Name)
}

func (p *Partition) epochAt(offset record.Offset, otherwise record.LeaderEpoch) record.LeaderEpoch {
	if epoch, ok := p.log.EpochAt(offset); ok {
		return epoch
	}
	return otherwise
}

// DeleteRecords moves the log's start to before, or to the high watermark if before is -1, and returns the new start. The
// followers hear of it with their next fetch: see OnDeleted.
func (p *Partition) DeleteRecords(before record.Offset) (record.Offset, error) {
	highWatermark := p.HighWatermark()
	if before == -1 {
		before = highWatermark
	}
	if before < 0 || before > highWatermark {
		return -1, protocol.Fail(protocol.OffsetOutOfRange,
			"%s: records below %d cannot be deleted; the high watermark is %d", p.Name, before, highWatermark)
	}
	if _, leading := p.LeaderEpoch(); !leading {
		return -1, p.notLeader()
	}
	if err := p.Forsaken(); err != nil {
		return -1, err
	}
	if err := p.log.DeleteRecords(before); err != nil {
		return -1, err
	}
	return p.log.StartOffset(), nil
}
