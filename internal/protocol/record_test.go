package protocol

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kmsgRecords are the numbered bodies that kmsg knows too. It writes the number in front of them itself.
func kmsgRecords() []struct {
	ours    func() versionedMessage
	theirs  func() versionedOracle
	highest int16
} {
	return []struct {
		ours    func() versionedMessage
		theirs  func() versionedOracle
		highest int16
	}{
		{func() versionedMessage { return NewOffsetCommitValue() }, func() versionedOracle { v := kmsg.NewOffsetCommitValue(); return &v }, 4},
		{func() versionedMessage { return NewGroupMetadataValue() }, func() versionedOracle { v := kmsg.NewGroupMetadataValue(); return &v }, 4},
		{func() versionedMessage { return NewConsumerProtocolSubscription() },
			func() versionedOracle { v := kmsg.NewConsumerMemberMetadata(); return &v }, 3},
		{func() versionedMessage { return NewConsumerProtocolAssignment() },
			func() versionedOracle { v := kmsg.NewConsumerMemberAssignment(); return &v }, 3},
	}
}

// versionedOracle is one of kmsg's records.
type versionedOracle interface {
	AppendTo(dst []byte) []byte
	ReadFrom(src []byte) error
}

func TestRecordsAsKmsgWritesThem(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, record := range kmsgRecords() {
		for version := int16(0); version <= record.highest; version++ {
			for range roundsEach {
				theirs := filler{rng, version}.message(record.theirs()).(versionedOracle)
				reflect.ValueOf(theirs).Elem().FieldByName("Version").SetInt(int64(version))
				want := theirs.AppendTo(nil)
				ours := record.ours()
				if _, err := decodeVersioned(want, ours); err != nil {
					t.Errorf("%T v%d: %v", ours, version, err)
				}
				if got := AppendRecord(nil, ours, version); !bytes.Equal(got, want) {
					t.Errorf("%T v%d:\n got %x\nwant %x", ours, version, got, want)
				}
			}
		}
	}
}

// The bytes of a commit of offset 42 by group g, as Kafka's own formatter reads them.
func TestOffsetCommitRecordBytes(t *testing.T) {
	key := NewOffsetCommitKey()
	key.Group, key.Topic, key.Partition = "g", "orders", 3
	value := NewOffsetCommitValue()
	value.Offset, value.LeaderEpoch, value.Metadata, value.CommitTimestamp = 42, 7, "m", 1
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{AppendRecord(nil, key, 0), "0001" + "000167" + "00066f7264657273" + "00000003"},
		{AppendRecord(nil, value, 3), "0003" + "000000000000002a" + "00000007" + "00016d" + "0000000000000001"},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("got %x, want %s", c.got, c.want)
		}
	}
	gotKey, err := DecodeRecordKey(AppendRecord(nil, key, 0))
	if err != nil || !reflect.DeepEqual(gotKey, key) {
		t.Errorf("%+v %v", gotKey, err)
	}
	gotValue, version, err := DecodeRecordValue(gotKey, AppendRecord(nil, value, 3))
	if err != nil || version != 3 || !reflect.DeepEqual(gotValue, value) {
		t.Errorf("v%d %+v %v", version, gotValue, err)
	}
	if tombstone, _, err := DecodeRecordValue(gotKey, nil); tombstone != nil || err != nil {
		t.Errorf("tombstone: %+v %v", tombstone, err)
	}
}

func TestUnknownRecordTypesAreNamed(t *testing.T) {
	if _, err := DecodeRecordKey([]byte{0x12, 0x34, 0}); CodeOf(err) != UnsupportedVersion {
		t.Error(err)
	}
	if _, _, err := DecodeMetadataRecord([]byte{1, 0xff, 1, 0}); CodeOf(err) != UnsupportedVersion {
		t.Error(err)
	}
	if _, _, err := DecodeMetadataRecord([]byte{2, 2, 0}); CodeOf(err) != UnsupportedVersion {
		t.Error(err)
	}
	if _, _, err := DecodeMetadataRecord([]byte{1}); CodeOf(err) != InvalidRequest {
		t.Error(err)
	}
}

func TestMetadataRecordReadsBack(t *testing.T) {
	topic := NewTopicRecord()
	topic.Name, topic.TopicID = "orders", UUID{15: 9}
	b := AppendMetadataRecord(nil, topic, 0)
	if want := "010200" + "076f7264657273" + "00000000000000000000000000000009" + "00"; hex.EncodeToString(b) != want {
		t.Errorf("got %x, want %s", b, want)
	}
	got, version, err := DecodeMetadataRecord(b)
	if err != nil || version != 0 || !reflect.DeepEqual(got, topic) {
		t.Errorf("v%d %+v %v", version, got, err)
	}
}
