package coordinator

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// The records of __consumer_offsets are Kafka's: docs/formats/consumer-offsets.md.
//
//	key:   +---------+------    value: +---------+------    a null value is a tombstone
//	       | type    | body            | version | body
//	       | int16   |                 | int16   |
//	       +---------+------           +---------+------
//
// Types that are read: 0 and 1 offset commit, 2 group, 0x4000 a slot of a group's diary, which is skein's own. All others
// are skipped, so that a log of a newer version, or of Kafka, with groups of other kinds can be loaded (R2).
const (
	// The value versions that Apache Kafka 4.3 writes: 4 has the topic id; 1 alone has an expiry time.
	offsetValueVersion         = 4
	offsetValueVersionExpiring = 1
	groupValueVersion          = 3
)

// encoder turns records into keys and values. It keeps its memory.
type encoder struct {
	body        protocol.Writer
	key, value  []byte
	offsetKey   protocol.OffsetCommitKey
	offsetValue protocol.OffsetCommitValue
	groupKey    protocol.GroupMetadataKey
	diaryKey    protocol.GroupDiaryKey
}

// encode returns the record's key and value, valid until the next call.
func (e *encoder) encode(r *group.Record) (key, value []byte) {
	switch r.Kind {
	case group.OffsetStored, group.OffsetRemoved:
		e.offsetKey = protocol.OffsetCommitKey{Group: r.Group, Topic: r.Topic, Partition: r.Partition}
		e.key = e.prefixed(e.key, int16(e.offsetKey.Key()), &e.offsetKey, 0)
	case group.GroupStored, group.GroupRemoved:
		e.groupKey = protocol.GroupMetadataKey{Group: r.Group}
		e.key = e.prefixed(e.key, int16(e.groupKey.Key()), &e.groupKey, 0)
	case group.DiaryStored, group.DiaryRemoved:
		e.diaryKey = protocol.GroupDiaryKey{Group: r.Group, Slot: r.Diary.Slot}
		e.key = e.prefixed(e.key, diaryKeyType, &e.diaryKey, 0)
	default:
		panic(fmt.Sprintf("coordinator: record %d of kind %d", r.Seq, r.Kind))
	}
	switch r.Kind {
	case group.OffsetStored:
		return e.key, e.encodeOffset(&r.Offset)
	case group.GroupStored:
		e.value = e.prefixed(e.value, groupValueVersion, groupMessage(r.Value), groupValueVersion)
		return e.key, e.value
	case group.DiaryStored:
		return e.key, r.Diary.Bytes
	default:
		return e.key, nil
	}
}

// encodedSizeMax is the most that a record takes in a batch, in bytes.
func encodedSizeMax(r *group.Record) int {
	size := 128 + len(r.Group) + len(r.Topic) + len(r.Offset.Metadata)
	if r.Diary != nil {
		size += len(r.Diary.Bytes)
	}
	if r.Value == nil {
		return size
	}
	size += len(r.Value.ProtocolType) + len(r.Value.Protocol) + len(r.Value.Leader)
	for i := range r.Value.Members {
		m := &r.Value.Members[i]
		size += 32 + len(m.MemberID) + len(m.InstanceID) + len(m.ClientID) + len(m.ClientHost) + len(m.Subscription) + len(m.Assignment)
	}
	return size
}

func (e *encoder) prefixed(dst []byte, prefix int16, m protocol.Message, version int16) []byte {
	e.body.Reset()
	m.Encode(&e.body, version)
	return append(binary.BigEndian.AppendUint16(dst[:0], uint16(prefix)), e.body.Bytes()...)
}

func (e *encoder) encodeOffset(v *group.OffsetValue) []byte {
	e.offsetValue = protocol.OffsetCommitValue{
		Offset: int64(v.Offset), LeaderEpoch: int32(v.LeaderEpoch), Metadata: v.Metadata,
		CommitTimestamp: int64(v.CommitTime), ExpireTimestamp: int64(v.ExpireTime), TopicID: v.TopicID,
	}
	version := int16(offsetValueVersion)
	if v.ExpireTime != group.NoInstant {
		version = offsetValueVersionExpiring
	}
	e.value = e.prefixed(e.value, version, &e.offsetValue, version)
	return e.value
}

func groupMessage(v *group.GroupValue) *protocol.GroupMetadataValue {
	m := protocol.NewGroupMetadataValue()
	m.ProtocolType, m.Generation, m.CurrentStateTimestamp = v.ProtocolType, v.Generation, int64(v.StateTime)
	m.Protocol, m.Leader = nullable(v.Protocol), nullable(v.Leader)
	m.Members = make([]protocol.GroupMetadataValueMemberMetadata, len(v.Members))
	for i := range v.Members {
		member, out := &v.Members[i], &m.Members[i]
		out.Default()
		out.MemberID, out.GroupInstanceID = member.MemberID, nullable(member.InstanceID)
		out.ClientID, out.ClientHost = member.ClientID, member.ClientHost
		out.RebalanceTimeout = int32(member.RebalanceTimeout.Milliseconds())
		out.SessionTimeout = int32(member.SessionTimeout.Milliseconds())
		out.Subscription, out.Assignment = notNil(member.Subscription), notNil(member.Assignment)
	}
	return m
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// decode reads a record. It returns false for a record of a type that is not known, and for one without a key. The
// record keeps none of the bytes.
func decode(key, value []byte, r *protocol.Reader) (group.Record, bool, error) {
	if len(key) < 2 {
		return group.Record{}, false, nil
	}
	switch kind := int16(binary.BigEndian.Uint16(key)); kind {
	case 0, 1:
		return decodeOffset(kind, key[2:], value, r)
	case 2:
		return decodeGroup(key[2:], value, r)
	case diaryKeyType:
		return decodeDiary(key[2:], value, r)
	default:
		return group.Record{}, false, nil
	}
}

func decodeOffset(kind int16, key, value []byte, r *protocol.Reader) (group.Record, bool, error) {
	var k protocol.OffsetCommitKey
	r.Reset(key, protocol.Limits{})
	if kind == 0 { // the same fields
		var legacy protocol.LegacyOffsetCommitKey
		if err := legacy.Decode(r, 0); err != nil {
			return group.Record{}, false, err
		}
		k.Group, k.Topic, k.Partition = legacy.Group, legacy.Topic, legacy.Partition
	} else if err := k.Decode(r, 0); err != nil {
		return group.Record{}, false, err
	}
	rec := group.Record{Kind: group.OffsetRemoved, Group: k.Group, Topic: k.Topic, Partition: k.Partition}
	if value == nil {
		return rec, true, nil
	}
	var v protocol.OffsetCommitValue
	if err := decodeVersioned(value, &v, r); err != nil {
		return group.Record{}, false, err
	}
	rec.Kind = group.OffsetStored
	rec.Offset = group.OffsetValue{
		Offset: record.Offset(v.Offset), LeaderEpoch: record.LeaderEpoch(v.LeaderEpoch), Metadata: v.Metadata,
		CommitTime: group.Instant(v.CommitTimestamp), ExpireTime: group.Instant(v.ExpireTimestamp), TopicID: v.TopicID,
	}
	return rec, true, nil
}

func decodeGroup(key, value []byte, r *protocol.Reader) (group.Record, bool, error) {
	var k protocol.GroupMetadataKey
	r.Reset(key, protocol.Limits{})
	if err := k.Decode(r, 0); err != nil {
		return group.Record{}, false, err
	}
	if value == nil {
		return group.Record{Kind: group.GroupRemoved, Group: k.Group}, true, nil
	}
	var v protocol.GroupMetadataValue
	if err := decodeVersioned(value, &v, r); err != nil {
		return group.Record{}, false, err
	}
	return group.Record{Kind: group.GroupStored, Group: k.Group, Value: groupValue(&v)}, true, nil
}

func decodeVersioned(value []byte, m protocol.Message, r *protocol.Reader) error {
	if len(value) < 2 {
		return fmt.Errorf("a value of %d bytes has no version", len(value))
	}
	r.Reset(value[2:], protocol.Limits{})
	return m.Decode(r, int16(binary.BigEndian.Uint16(value)))
}

func groupValue(m *protocol.GroupMetadataValue) *group.GroupValue {
	v := &group.GroupValue{
		ProtocolType: m.ProtocolType, Generation: m.Generation, Protocol: text(m.Protocol), Leader: text(m.Leader),
		StateTime: group.Instant(m.CurrentStateTimestamp),
	}
	for i := range m.Members {
		member := &m.Members[i]
		v.Members = append(v.Members, group.MemberValue{
			MemberID: member.MemberID, InstanceID: text(member.GroupInstanceID), ClientID: member.ClientID, ClientHost: member.ClientHost,
			RebalanceTimeout: milliseconds(member.RebalanceTimeout), SessionTimeout: milliseconds(member.SessionTimeout),
			Subscription: append([]byte(nil), member.Subscription...), Assignment: append([]byte(nil), member.Assignment...),
		})
	}
	return v
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func milliseconds(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }
