package link

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// TopicPartition names a partition.
type TopicPartition = assign.TopicPartition

// TopicIDs tells the id of a topic; zero if it is not known.
type TopicIDs interface {
	TopicID(topic string) [16]byte
	TopicName(id [16]byte) string
}

// CommitItem is one offset to be committed.
type CommitItem struct {
	Name     TopicPartition
	At       position.Place
	Metadata string
}

// byTopic yields runs of the same topic in a sorted list.
func byTopic[T any](items []T, topic func(T) string, each func(topic string, run []T)) {
	for len(items) > 0 {
		n := 1
		for n < len(items) && topic(items[n]) == topic(items[0]) {
			n++
		}
		each(topic(items[0]), items[:n])
		items = items[n:]
	}
}

// Commit sends OffsetCommit with items that are sorted by topic. The failure is that of the whole request, or of the
// first partition that concerns the member; refused has what is wrong with single partitions.
func (l *Link) Commit(ctx context.Context, node int32, g Group, memberID string, generation int32, ids TopicIDs, items []CommitItem) (refused map[TopicPartition]error, f membership.Failure) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = g.ID, memberID, generation
	if generation >= 0 {
		req.InstanceID = g.instance()
	}
	byTopic(items, func(c CommitItem) string { return c.Name.Topic }, func(topic string, run []CommitItem) {
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, ids.TopicID(topic)
		for i := range run {
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = run[i].Name.Partition, run[i].At.Offset, run[i].At.LeaderEpoch
			p.Metadata = &run[i].Metadata
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	})
	resp, err := ask[*kmsg.OffsetCommitResponse](ctx, l.data, node, l.cfg.RequestTimeout, req)
	if err != nil {
		return nil, Failure(err)
	}
	open := make(map[TopicPartition]bool, len(items))
	for i := range items {
		open[items[i].Name] = true
	}
	for _, t := range resp.Topics {
		topic := t.Topic
		if topic == "" {
			topic = ids.TopicName(t.TopicID)
		}
		for _, p := range t.Partitions {
			delete(open, TopicPartition{Topic: topic, Partition: p.Partition})
			if p.ErrorCode == 0 {
				continue
			}
			switch membership.Code(p.ErrorCode) {
			case membership.OffsetMetadataTooLarge, membership.UnknownTopicOrPartition, membership.TopicAuthorizationFailed, membership.UnknownTopicID:
				if refused == nil {
					refused = map[TopicPartition]error{}
				}
				refused[TopicPartition{Topic: topic, Partition: p.Partition}] = codeError(p.ErrorCode, nil)
			default:
				return refused, coded(p.ErrorCode, nil)
			}
		}
	}
	if len(open) > 0 {
		return refused, membership.Failure{Code: membership.UnknownServerError, Text: "the answer to OffsetCommit does not name every partition"}
	}
	return refused, membership.Failure{}
}

// CommittedItem is a committed offset; At is position.Nowhere where there is none.
type CommittedItem struct {
	At       position.Place
	Metadata string
	Err      error
}

// Asker is the member that asks for committed offsets, by the consumer protocol: the coordinator says if its epoch is not
// the present one. Epoch -1 is nobody.
type Asker struct {
	MemberID string
	Epoch    int32
}

// Committed sends OffsetFetch for partitions that are sorted, with RequireStable: a broker that has transactional
// offsets pending says UNSTABLE_OFFSET_COMMIT (KIP-447).
func (l *Link) Committed(ctx context.Context, node int32, g Group, as Asker, ids TopicIDs, names []TopicPartition) (map[TopicPartition]CommittedItem, membership.Failure) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = g.ID, true
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = g.ID
	if as.Epoch >= 0 {
		group.MemberID, group.MemberEpoch = kmsg.StringPtr(as.MemberID), as.Epoch
	}
	byTopic(names, func(p TopicPartition) string { return p.Topic }, func(topic string, run []TopicPartition) {
		old, t := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
		old.Topic, t.Topic, t.TopicID = topic, topic, ids.TopicID(topic)
		for _, p := range run {
			t.Partitions = append(t.Partitions, p.Partition)
		}
		old.Partitions = t.Partitions
		group.Topics = append(group.Topics, t)
		req.Topics = append(req.Topics, old)
	})
	req.Groups = append(req.Groups, group)
	resp, err := ask[*kmsg.OffsetFetchResponse](ctx, l.data, node, l.cfg.RequestTimeout, req)
	if err != nil {
		return nil, Failure(err)
	}
	found := make(map[TopicPartition]CommittedItem, len(names))
	take := func(topic string, partition int32, offset int64, epoch int32, metadata *string, code int16) {
		item := CommittedItem{At: position.Place{Offset: offset, LeaderEpoch: epoch}}
		if offset < 0 {
			item.At = position.Nowhere
		}
		if metadata != nil {
			item.Metadata = *metadata
		}
		if code != 0 {
			item.Err = codeError(code, nil)
		}
		found[TopicPartition{Topic: topic, Partition: partition}] = item
	}
	if len(resp.Groups) == 0 {
		if resp.ErrorCode != 0 {
			return nil, coded(resp.ErrorCode, nil)
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				take(t.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
		return found, membership.Failure{}
	}
	for _, answer := range resp.Groups {
		if answer.ErrorCode != 0 {
			return nil, coded(answer.ErrorCode, nil)
		}
		for _, t := range answer.Topics {
			topic := t.Topic
			if topic == "" {
				topic = ids.TopicName(t.TopicID)
			}
			for _, p := range t.Partitions {
				take(topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode)
			}
		}
	}
	return found, membership.Failure{}
}
