package skein

import (
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// loadBytesMax is how much of a partition of __consumer_offsets is in memory at once while it is loaded.
const loadBytesMax = 1 << 20

// offsetsLog is a partition of __consumer_offsets as the coordinator sees it (coordinator.Log).
type offsetsLog struct {
	*partition.Partition
	epoch record.LeaderEpoch // in which the coordinator was elected
}

func (l offsetsLog) Append(batch []byte) (record.Offset, error) {
	if epoch, leading := l.LeaderEpoch(); !leading || epoch != l.epoch {
		return -1, protocol.Fail(protocol.NotLeaderOrFollower, "%s is not led here in epoch %d any more", l.Name, l.epoch)
	}
	appended, err := l.Partition.Append(batch, commitlog.Coordinator, partition.AcksAll)
	return appended.First, err
}

func (l offsetsLog) Load(from record.Offset, f func(record.Batch) error) error {
	end := l.HighWatermark()
	for from = max(from, l.LogStart()); from < end; {
		slice, err := l.Read(from, end, loadBytesMax, true)
		if err != nil {
			return err
		}
		next, err := l.loadSlice(slice, from, f)
		slice.Release()
		if err != nil || next == from { // compaction left nothing between from and end
			return err
		}
		from = next
	}
	return nil
}

// loadSlice gives f the batches of a slice, and returns the offset behind them. Where one is damaged the replica is given up if
// another holds everything: no later attempt would find anything else here.
func (l offsetsLog) loadSlice(slice commitlog.Slice, from record.Offset, f func(record.Batch) error) (record.Offset, error) {
	b, err := slice.ReadAll()
	if err != nil {
		return from, err
	}
	for len(b) > 0 {
		var batch record.Batch
		if batch, b, err = record.Split(b); err == nil {
			err = batch.CheckCRC()
		}
		if err != nil {
			l.Spoilt(slice.Check())
			return from, err
		}
		if err := f(batch); err != nil {
			return from, err
		}
		from = batch.LastOffset() + 1
	}
	return from, nil
}
