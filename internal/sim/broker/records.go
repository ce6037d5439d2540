package broker

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Versions of the values in __consumer_offsets, those that Apache Kafka 4.3 writes.
const (
	offsetValueVersion = 4
	groupValueVersion  = 3
)

// encodeRecord makes key and value of a record of __consumer_offsets; a nil value is a tombstone.
func encodeRecord(r *group.Record) (key, value []byte) {
	switch r.Kind {
	case group.OffsetStored, group.OffsetRemoved:
		key = protocol.AppendRecord(nil, &protocol.OffsetCommitKey{Group: r.Group, Topic: r.Topic, Partition: r.Partition}, 0)
	case group.DiaryStored, group.DiaryRemoved:
		key = protocol.AppendRecord(nil, &protocol.GroupDiaryKey{Group: r.Group, Slot: r.Diary.Slot}, 0)
	default:
		key = protocol.AppendRecord(nil, &protocol.GroupMetadataKey{Group: r.Group}, 0)
	}
	switch r.Kind {
	case group.OffsetStored:
		v := &r.Offset
		return key, protocol.AppendRecord(nil, &protocol.OffsetCommitValue{Offset: int64(v.Offset), LeaderEpoch: int32(v.LeaderEpoch),
			Metadata: v.Metadata, CommitTimestamp: int64(v.CommitTime), ExpireTimestamp: int64(v.ExpireTime), TopicID: v.TopicID}, offsetValueVersion)
	case group.GroupStored:
		return key, protocol.AppendRecord(nil, groupValue(r.Value), groupValueVersion)
	case group.DiaryStored:
		return key, r.Diary.Bytes
	}
	return key, nil
}

func groupValue(v *group.GroupValue) *protocol.GroupMetadataValue {
	m := protocol.NewGroupMetadataValue()
	m.ProtocolType, m.Generation, m.CurrentStateTimestamp = v.ProtocolType, v.Generation, int64(v.StateTime)
	m.Protocol, m.Leader = orNull(v.Protocol), orNull(v.Leader)
	for i := range v.Members {
		from := &v.Members[i]
		var to protocol.GroupMetadataValueMemberMetadata
		to.Default()
		to.MemberID, to.GroupInstanceID, to.ClientID, to.ClientHost = from.MemberID, orNull(from.InstanceID), from.ClientID, from.ClientHost
		to.RebalanceTimeout, to.SessionTimeout = int32(from.RebalanceTimeout.Milliseconds()), int32(from.SessionTimeout.Milliseconds())
		to.Subscription, to.Assignment = append([]byte{}, from.Subscription...), append([]byte{}, from.Assignment...)
		m.Members = append(m.Members, to)
	}
	return m
}

// decodeBatch appends the records of a batch.
func decodeBatch(batch record.Batch, records []group.Record) ([]group.Record, error) {
	list := batch.Records(record.Limits{})
	defer list.Close()
	for list.Next() {
		r := list.Record()
		key, err := protocol.DecodeRecordKey(r.Key)
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		if k, ok := key.(*protocol.GroupDiaryKey); ok {
			rec := group.Record{Kind: group.DiaryRemoved, Group: k.Group, Diary: &group.DiaryValue{Slot: k.Slot}}
			if r.Value != nil {
				rec.Kind, rec.Diary.Bytes = group.DiaryStored, append([]byte(nil), r.Value...)
			}
			records = append(records, rec)
			continue
		}
		value, _, err := protocol.DecodeRecordValue(key, r.Value)
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		records = append(records, decodeRecord(key, value))
	}
	return records, list.Err()
}

func decodeRecord(key, value protocol.Message) group.Record {
	if k, ok := key.(*protocol.OffsetCommitKey); ok {
		r := group.Record{Kind: group.OffsetRemoved, Group: k.Group, Topic: k.Topic, Partition: k.Partition}
		if v, ok := value.(*protocol.OffsetCommitValue); ok {
			r.Kind = group.OffsetStored
			r.Offset = group.OffsetValue{Offset: record.Offset(v.Offset), LeaderEpoch: record.LeaderEpoch(v.LeaderEpoch), Metadata: v.Metadata,
				CommitTime: group.Instant(v.CommitTimestamp), ExpireTime: group.Instant(v.ExpireTimestamp), TopicID: v.TopicID}
		}
		return r
	}
	r := group.Record{Kind: group.GroupRemoved, Group: key.(*protocol.GroupMetadataKey).Group}
	v, ok := value.(*protocol.GroupMetadataValue)
	if !ok {
		return r
	}
	r.Kind = group.GroupStored
	r.Value = &group.GroupValue{ProtocolType: v.ProtocolType, Generation: v.Generation, Protocol: text(v.Protocol), Leader: text(v.Leader),
		StateTime: group.Instant(v.CurrentStateTimestamp)}
	for i := range v.Members {
		m := &v.Members[i]
		r.Value.Members = append(r.Value.Members, group.MemberValue{MemberID: m.MemberID, InstanceID: text(m.GroupInstanceID), ClientID: m.ClientID,
			ClientHost: m.ClientHost, RebalanceTimeout: time.Duration(m.RebalanceTimeout) * time.Millisecond,
			SessionTimeout: time.Duration(m.SessionTimeout) * time.Millisecond,
			Subscription:   append([]byte(nil), m.Subscription...), Assignment: append([]byte(nil), m.Assignment...)})
	}
	return r
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
