package coordinator

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestRecordBytes pins the bytes of each kind of record, to those of Apache Kafka 4.3 but for the diary, which is ours.
func TestRecordBytes(t *testing.T) {
	id := protocol.UUID{0: 0xaa, 15: 0xbb}
	for _, c := range []struct {
		name       string
		record     group.Record
		key, value string
	}{
		{"offset", group.Record{Kind: group.OffsetStored, Group: "g", Topic: "t", Partition: 2,
			Offset: group.OffsetValue{Offset: 5, LeaderEpoch: 3, Metadata: "m", CommitTime: 9, ExpireTime: group.NoInstant}},
			"0001 0001 67 0001 74 00000002", "0004 0000000000000005 00000003 02 6d 0000000000000009 00"},
		{"offset with topic id", group.Record{Kind: group.OffsetStored, Group: "g", Topic: "t",
			Offset: group.OffsetValue{Offset: 5, LeaderEpoch: -1, CommitTime: 9, ExpireTime: group.NoInstant, TopicID: id}},
			"0001 0001 67 0001 74 00000000", "0004 0000000000000005 ffffffff 01 0000000000000009 01 00 10 aa0000000000000000000000000000bb"},
		{"offset that expires", group.Record{Kind: group.OffsetStored, Group: "g", Topic: "t",
			Offset: group.OffsetValue{Offset: 5, LeaderEpoch: -1, CommitTime: 9, ExpireTime: 10}},
			"0001 0001 67 0001 74 00000000", "0001 0000000000000005 0000 0000000000000009 000000000000000a"},
		{"offset removed", group.Record{Kind: group.OffsetRemoved, Group: "g", Topic: "t", Partition: 1}, "0001 0001 67 0001 74 00000001", "null"},
		{"empty group", group.Record{Kind: group.GroupStored, Group: "g", Value: &group.GroupValue{StateTime: 7}},
			"0002 0001 67", "0003 0000 00000000 ffff ffff 0000000000000007 00000000"},
		{"group", group.Record{Kind: group.GroupStored, Group: "g", Value: &group.GroupValue{ProtocolType: "consumer", Generation: 4, Protocol: "range",
			Leader: "m", StateTime: 7, Members: []group.MemberValue{{MemberID: "m", InstanceID: "i", ClientID: "c", ClientHost: "/h",
				RebalanceTimeout: 2 * time.Second, SessionTimeout: time.Second, Subscription: []byte{1}, Assignment: []byte{2, 3}}}}},
			"0002 0001 67", "0003 0008 636f6e73756d6572 00000004 0005 72616e6765 0001 6d 0000000000000007 00000001" +
				" 0001 6d 0001 69 0001 63 0002 2f68 000007d0 000003e8 00000001 01 00000002 0203"},
		{"diary", group.Record{Kind: group.DiaryStored, Group: "g", Diary: &group.DiaryValue{Slot: 2, Bytes: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 3}}},
			"4000 0001 67 02", "0000 0000000000000003"},
		{"diary removed", group.Record{Kind: group.DiaryRemoved, Group: "g", Diary: &group.DiaryValue{Slot: 63}}, "4000 0001 67 3f", "null"},
		{"group removed", group.Record{Kind: group.GroupRemoved, Group: "g"}, "0002 0001 67", "null"},
	} {
		var e encoder
		key, value := e.encode(&c.record)
		if got, want := hex.EncodeToString(key), strings.ReplaceAll(c.key, " ", ""); got != want {
			t.Errorf("%s: key %s, want %s", c.name, got, want)
		}
		want := strings.ReplaceAll(c.value, " ", "")
		if got := hex.EncodeToString(value); value == nil && want != "null" || value != nil && got != want {
			t.Errorf("%s: value %s, want %s", c.name, got, want)
		}
		if size := len(key) + len(value); size > encodedSizeMax(&c.record) {
			t.Errorf("%s: %d bytes, at most %d were foreseen", c.name, size, encodedSizeMax(&c.record))
		}
		var r protocol.Reader
		back, known, err := decode(key, value, &r)
		if c.record.Kind != group.OffsetStored {
			c.record.Offset = group.OffsetValue{}
		}
		if err != nil || !known || !reflect.DeepEqual(back, c.record) {
			t.Errorf("%s: back %+v %v %v", c.name, back, known, err)
		}
	}
}

// TestOldVersions are read as Kafka wrote them (R3): offset values 0 to 4, group values 0 to 4, key type 0.
func TestOldVersions(t *testing.T) {
	var r protocol.Reader
	key := protocol.AppendRecord(nil, &protocol.OffsetCommitKey{Group: "g", Topic: "t"}, 0)
	for version := int16(0); version <= 4; version++ {
		v := &protocol.OffsetCommitValue{Offset: 5, LeaderEpoch: -1, Metadata: "m", CommitTimestamp: 9, ExpireTimestamp: -1}
		rec, known, err := decode(key, protocol.AppendRecord(nil, v, version), &r)
		if err != nil || !known || rec.Offset.Offset != 5 || rec.Offset.Metadata != "m" || rec.Offset.ExpireTime != group.NoInstant {
			t.Errorf("offset value %d: %+v %v %v", version, rec, known, err)
		}
	}
	legacy := append([]byte{0, 0}, key[2:]...)
	if rec, known, err := decode(legacy, nil, &r); err != nil || !known || rec.Kind != group.OffsetRemoved || rec.Group != "g" {
		t.Errorf("key type 0: %+v %v %v", rec, known, err)
	}
	groupKey := protocol.AppendRecord(nil, &protocol.GroupMetadataKey{Group: "g"}, 0)
	for version := int16(0); version <= 4; version++ {
		v := protocol.NewGroupMetadataValue()
		v.ProtocolType, v.Generation = "consumer", 3
		v.Members = []protocol.GroupMetadataValueMemberMetadata{{MemberID: "m", SessionTimeout: 1000, RebalanceTimeout: -1, Subscription: []byte{}, Assignment: []byte{}}}
		rec, known, err := decode(groupKey, protocol.AppendRecord(nil, v, version), &r)
		if err != nil || !known || rec.Value.Generation != 3 || len(rec.Value.Members) != 1 || rec.Value.Members[0].RebalanceTimeout >= 0 {
			t.Errorf("group value %d: %+v %v %v", version, rec.Value, known, err)
		}
	}
}

// FuzzDecode: no key and value, however hostile, makes decode panic or costs much; what it reads, a shard can load and
// the encoder can write again.
func FuzzDecode(f *testing.F) {
	var e encoder
	for _, r := range []group.Record{
		{Kind: group.OffsetStored, Group: "g", Topic: "t", Offset: group.OffsetValue{Offset: 5, ExpireTime: group.NoInstant}},
		{Kind: group.OffsetRemoved, Group: "g", Topic: "t"},
		{Kind: group.GroupRemoved, Group: "g"},
		{Kind: group.DiaryStored, Group: "g", Diary: &group.DiaryValue{Slot: 2, Bytes: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 3}}},
		{Kind: group.DiaryRemoved, Group: "g", Diary: &group.DiaryValue{Slot: 5}},
		{Kind: group.GroupStored, Group: "g", Value: &group.GroupValue{ProtocolType: "consumer", Protocol: "range", Leader: "m",
			Members: []group.MemberValue{{MemberID: "m", InstanceID: "i"}, {MemberID: "n", InstanceID: "i"}, {MemberID: "m"}}}},
	} {
		key, value := e.encode(&r)
		f.Add(append([]byte(nil), key...), append([]byte(nil), value...), value == nil)
	}
	f.Fuzz(func(t *testing.T, key, value []byte, null bool) {
		if null {
			value = nil
		}
		var r protocol.Reader
		rec, known, err := decode(key, value, &r)
		if err != nil || !known {
			return
		}
		shard := group.New(group.DefaultConfig())
		shard.Replay(&rec)
		var fx group.Effects
		shard.Step(1, &group.Loaded{}, &fx)
		shard.Step(2, &group.Unload{Code: protocol.NotCoordinator, Reason: "fuzz"}, &fx)
		again, b := e.encode(&rec)
		back, known, err := decode(again, b, &r)
		if err != nil || !known || back.Kind != rec.Kind || back.Group != rec.Group || back.Offset != rec.Offset && rec.Offset.ExpireTime == group.NoInstant {
			t.Fatalf("%+v became %+v, %v %v", rec, back, known, err)
		}
	})
}
