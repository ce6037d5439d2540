package quorum

import (
	"reflect"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// TestDifference: what is found by comparing two images is what the records between them say.
func TestDifference(t *testing.T) {
	records := someRecords(4)
	value := "v"
	config := func(name string, value *string) metadata.Record {
		return metadata.ConfigRecord(metadata.Resource{Type: metadata.GroupResource, Name: name}, "x", value)
	}
	broker := func(id int32) *protocol.RegisterBrokerRecord {
		return &protocol.RegisterBrokerRecord{BrokerID: id, BrokerEpoch: int64(id)}
	}
	records = append(records, config("kept", &value), config("gone", &value), config("changed", &value), broker(1), broker(2),
		&protocol.FeatureLevelRecord{Name: "f", FeatureLevel: 1}, &protocol.FeatureLevelRecord{Name: "g", FeatureLevel: 1})
	before, _, err := metadata.Apply(metadata.NewImage("c"), records)
	if err != nil {
		t.Fatal(err)
	}
	topic := func(n int) protocol.UUID {
		return before.Topic([]string{"topic-0", "topic-1", "topic-2", "topic-3"}[n]).ID
	}
	changed := protocol.NewPartitionChangeRecord()
	changed.TopicID, changed.PartitionID, changed.Leader = topic(2), 1, 5
	other := "w"
	after, want, err := metadata.Apply(before, []metadata.Record{
		&protocol.RemoveTopicRecord{TopicID: topic(0)},
		&protocol.TopicRecord{Name: "topic-0", TopicID: protocol.UUID{77}},
		&protocol.PartitionRecord{TopicID: protocol.UUID{77}, Replicas: []int32{1}, Isr: []int32{1}, Leader: 1},
		&protocol.RemoveTopicRecord{TopicID: topic(1)},
		changed,
		&protocol.PartitionRecord{PartitionID: 2, TopicID: topic(2), Replicas: []int32{1}, Isr: []int32{1}, Leader: 1},
		config("gone", nil), config("changed", &other), config("new", &value),
		broker(3), &protocol.UnregisterBrokerRecord{BrokerID: 2, BrokerEpoch: 2},
		&protocol.FeatureLevelRecord{Name: "g", FeatureLevel: 2}, &protocol.FeatureLevelRecord{Name: "h", FeatureLevel: 1},
		&protocol.ProducerIDsRecord{NextProducerID: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := seat.Difference(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("difference\n%+v\nwant\n%+v", got, want)
	}
	if got := seat.Difference(metadata.NewImage("c"), after); !reflect.DeepEqual(got, metadata.Whole(after)) {
		t.Errorf("from nothing\n%+v\nwant\n%+v", got, metadata.Whole(after))
	}
	var b []byte
	c := checkpoint{index: 4, term: 1, clusterID: "c", members: someMembers()}
	if err := encodeCheckpoint(c, after, func(part []byte) error { b = append(b, part...); return nil }); err != nil {
		t.Fatal(err)
	}
	_, again, err := decodeCheckpoint(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := seat.Difference(after, again); !got.Empty() {
		t.Errorf("the same image, read from a snapshot, differs: %+v", got)
	}
}
