package link

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer/internal/position"
)

// The timestamps of ListOffsets that are no times.
const (
	Latest   int64 = -1
	Earliest int64 = -2
)

// OffsetAsk asks for the offset of a time, as the leader with this epoch sees it.
type OffsetAsk struct {
	Name        TopicPartition
	LeaderEpoch int32
	Timestamp   int64
}

// OffsetAnswer is the first record at or after the time, with its time; position.Nowhere if there is none.
type OffsetAnswer struct {
	At        position.Place
	Timestamp int64
	Err       error
}

// ListOffsets sends ListOffsets to a leader. readCommitted makes the end the last stable offset.
func (l *Link) ListOffsets(ctx context.Context, node int32, readCommitted bool, asks []OffsetAsk) (map[TopicPartition]OffsetAnswer, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, isolation(readCommitted)
	req.TimeoutMillis = int32(l.cfg.RequestTimeout.Milliseconds())
	byTopic(asks, func(a OffsetAsk) string { return a.Name.Topic }, func(topic string, run []OffsetAsk) {
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic = topic
		for _, a := range run {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.CurrentLeaderEpoch, p.Timestamp, p.MaxNumOffsets = a.Name.Partition, a.LeaderEpoch, a.Timestamp, 1
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	})
	resp, err := ask[*kmsg.ListOffsetsResponse](ctx, l.data, node, l.cfg.RequestTimeout, req)
	if err != nil {
		return nil, err
	}
	answers := make(map[TopicPartition]OffsetAnswer, len(asks))
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			a := OffsetAnswer{At: position.Place{Offset: p.Offset, LeaderEpoch: p.LeaderEpoch}, Timestamp: p.Timestamp}
			if len(p.OldStyleOffsets) > 0 {
				a.At.Offset = p.OldStyleOffsets[0]
			}
			if a.At.Offset < 0 {
				a.At = position.Nowhere
			}
			if p.ErrorCode != 0 {
				a.Err = codeError(p.ErrorCode, nil)
			}
			answers[TopicPartition{Topic: t.Topic, Partition: p.Partition}] = a
		}
	}
	return answers, nil
}

// EpochAsk asks how far the leader's log has an epoch.
type EpochAsk struct {
	Name        TopicPartition
	LeaderEpoch int32 // the leader's own, -1 unknown
	Epoch       int32 // that is asked for
}

// EpochEnd is the largest epoch up to the one that was asked for, and where it ends; -1 and -1 if there is none.
type EpochEnd struct {
	Epoch int32
	End   int64
	Err   error
}

// EpochEnds sends OffsetForLeaderEpoch to a leader (KIP-320).
func (l *Link) EpochEnds(ctx context.Context, node int32, asks []EpochAsk) (map[TopicPartition]EpochEnd, error) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	byTopic(asks, func(a EpochAsk) string { return a.Name.Topic }, func(topic string, run []EpochAsk) {
		t := kmsg.NewOffsetForLeaderEpochRequestTopic()
		t.Topic = topic
		for _, a := range run {
			p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = a.Name.Partition, a.LeaderEpoch, a.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	})
	resp, err := ask[*kmsg.OffsetForLeaderEpochResponse](ctx, l.data, node, l.cfg.RequestTimeout, req)
	if err != nil {
		return nil, err
	}
	ends := make(map[TopicPartition]EpochEnd, len(asks))
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			e := EpochEnd{Epoch: p.LeaderEpoch, End: p.EndOffset}
			if p.ErrorCode != 0 {
				e.Err = codeError(p.ErrorCode, nil)
			}
			ends[TopicPartition{Topic: t.Topic, Partition: p.Partition}] = e
		}
	}
	return ends, nil
}

func isolation(readCommitted bool) int8 {
	if readCommitted {
		return 1
	}
	return 0
}
