package partition

import (
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// position is what a fetch says of a follower's log.
type position struct {
	epoch     record.LeaderEpoch // the current leader epoch
	lastEpoch record.LeaderEpoch // of the log's last batch, NoLeaderEpoch in an empty log
	offset    record.Offset      // the log's end
	logStart  record.Offset
}

// position is where the log is now.
func (p *Partition) position(epoch record.LeaderEpoch) position {
	at := position{epoch: epoch, lastEpoch: record.NoLeaderEpoch, offset: p.log.EndOffset(), logStart: p.log.StartOffset()}
	if latest, ok := p.log.LatestEpoch(); ok {
		at.lastEpoch = latest
	}
	return at
}

// take does what the state makes of the leader's answer to a fetch from asked, but for a cut, which the caller has done
// where it may wait. The records are written from the response's own bytes.
func (p *Partition) take(asked position, data *protocol.FetchResponsePartitionData) (replica.Effects, error) {
	p.taking.Lock()
	defer p.taking.Unlock()
	event := &replica.FetchAnswered{
		Epoch: asked.epoch, Offset: asked.offset, Code: data.ErrorCode,
		LeaderLogStart: record.Offset(data.LogStartOffset), LeaderLogEnd: -1, LeaderHighWatermark: record.Offset(data.HighWatermark),
		Diverging: replica.EpochEnd{Epoch: record.LeaderEpoch(data.DivergingEpoch.Epoch), End: record.Offset(data.DivergingEpoch.EndOffset)},
		Own:       replica.EpochEnd{Epoch: record.NoLeaderEpoch, End: -1},
	}
	if data.ErrorCode == protocol.OffsetOutOfRange { // the answer says where the leader's log ends
		event.LeaderLogEnd = record.Offset(data.DivergingEpoch.EndOffset)
	} else if event.Diverging.Epoch >= 0 {
		if epoch, end, ok := p.log.EpochEnd(event.Diverging.Epoch); ok {
			event.Own = replica.EpochEnd{Epoch: epoch, End: end}
		}
	}
	p.roles.RLock()
	event.LogStart, event.LogEnd = p.log.StartOffset(), p.log.EndOffset()
	decided := p.decide(event)
	var grown outcome
	var err error
	if decided.effects.Action == replica.TakeRecords {
		if err = p.copyRecords(data, &decided.effects); err == nil {
			grown = p.decide(&replica.Grown{LogStart: p.log.StartOffset(), LogEnd: p.log.EndOffset(), DurableEnd: p.log.DurableEnd()})
		}
	}
	p.roles.RUnlock()
	decided.run(p)
	grown.run(p)
	return decided.effects, err
}

// copyRecords appends what an answer holds and moves the log's start. The caller holds roles.
func (p *Partition) copyRecords(data *protocol.FetchResponsePartitionData, effects *replica.Effects) error {
	records, _ := data.Records.(protocol.Bytes)
	rest, err := above(records, p.log.EndOffset())
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		if _, err := p.log.Append(rest, commitlog.AppendOptions{Origin: commitlog.Replica, Now: p.host.now().UnixMilli()}); err != nil {
			return err
		}
		p.taken(len(rest))
	}
	if effects.MoveStart {
		return p.log.DeleteRecords(min(effects.LogStart, p.log.EndOffset()))
	}
	return nil
}

// above is the batches that end above an offset: the first batch of an answer may be one that ends below what was asked
// for, where the leader's log has a gap.
func above(records []byte, end record.Offset) ([]byte, error) {
	for len(records) > 0 {
		batch, rest, err := record.Split(records)
		if err != nil {
			return nil, err
		}
		if batch.LastOffset() >= end {
			break
		}
		records = rest
	}
	return records, nil
}

// cut removes what the leader's log has not, and is durable on return. It waits for the round of the Syncer at hand.
func (p *Partition) cut(asked position, effects replica.Effects) error {
	p.taking.Lock()
	defer p.taking.Unlock()
	p.roles.RLock()
	o, err := p.cutLog(asked, effects)
	p.roles.RUnlock()
	o.run(p)
	return err
}

// cutLog does it if the replica still follows in the epoch in which that was decided. The caller holds taking and roles.
func (p *Partition) cutLog(asked position, effects replica.Effects) (o outcome, err error) {
	p.mu.Lock()
	_, epoch, following := p.state.Following()
	p.mu.Unlock()
	if !following || epoch != asked.epoch || p.log.EndOffset() != asked.offset {
		return o, nil
	}
	if highWatermark := p.HighWatermark(); effects.To < highWatermark && effects.Action == replica.TruncateTo {
		p.host.logger.Warn("a replica loses records that were committed: another was elected without them", "partition", p.Name.String(),
			"from", int64(effects.To), "high watermark", int64(highWatermark), "log end", int64(asked.offset), "leader epoch", int(epoch))
	} else {
		p.host.logger.Info("a replica goes back to where its log is its leader's", "partition", p.Name.String(), "action", effects.Action.String(),
			"to", int64(effects.To), "log end", int64(asked.offset), "leader epoch", int(epoch))
	}
	if effects.Action == replica.ResetTo {
		err = p.log.Reset(effects.To)
	} else {
		err = p.log.TruncateTo(effects.To)
	}
	if err != nil {
		p.Spoilt(err)
		return o, err
	}
	return p.decide(&replica.Cut{LogStart: p.log.StartOffset(), LogEnd: p.log.EndOffset()}), nil
}
