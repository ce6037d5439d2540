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
		b, err := slice.ReadAll()
		slice.Release()
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return nil // compaction left nothing between from and end
		}
		for len(b) > 0 {
			var batch record.Batch
			if batch, b, err = record.Split(b); err != nil {
				return err
			}
			if err := batch.CheckCRC(); err != nil {
				return err
			}
			if err := f(batch); err != nil {
				return err
			}
			from = batch.LastOffset() + 1
		}
	}
	return nil
}
