package metadata

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

func TestInternalTopics(t *testing.T) {
	settings := InternalTopicSettings{Partitions: 50, SegmentBytes: 104857600}
	got := fmt.Sprint(InternalTopicConfig(ConsumerOffsetsTopic, settings))
	if want := "[{cleanup.policy compact} {compression.type producer} {segment.bytes 104857600}]"; got != want {
		t.Errorf("%s is created with %s, want %s", ConsumerOffsetsTopic, got, want)
	}
	if len(InternalTopicConfig(TransactionStateTopic, settings)) != 4 || InternalTopicConfig("other", settings) != nil {
		t.Error("other topics")
	}
	if !InternalTopic(ConsumerOffsetsTopic) || InternalTopic("orders") || InternalTopic(ClusterMetadataTopic) {
		t.Error("InternalTopic")
	}
}

// TestInternalReplicationFactor: unset means three, or as many as live.
func TestInternalReplicationFactor(t *testing.T) {
	image := NewImage("c")
	for live, want := range []int16{1, 1, 2, 3, 3} {
		if got := image.InternalReplicationFactor(InternalTopicSettings{}); got != want {
			t.Errorf("%d live brokers: %d, want %d", live, got, want)
		}
		if got := image.InternalReplicationFactor(InternalTopicSettings{ReplicationFactor: 7}); got != 7 {
			t.Errorf("set to 7: %d", got)
		}
		next, _, err := Apply(image, []Record{
			&protocol.RegisterBrokerRecord{BrokerID: int32(live), BrokerEpoch: int64(live)},
			&protocol.RegisterBrokerRecord{BrokerID: int32(100 + live), Fenced: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		image = next
	}
}

// TestWhole: the delta from nothing is what building the image from nothing gives.
func TestWhole(t *testing.T) {
	value := "v"
	rack := "r"
	image, built, err := Apply(NewImage("c"), []Record{
		&protocol.FeatureLevelRecord{Name: "f", FeatureLevel: 1},
		&protocol.RegisterBrokerRecord{BrokerID: 1, Rack: &rack, EndPoints: []protocol.RegisterBrokerRecordBrokerEndpoint{{Name: "L", Port: 1}}},
		&protocol.TopicRecord{Name: "t", TopicID: protocol.UUID{1}},
		&protocol.PartitionRecord{TopicID: protocol.UUID{1}, Replicas: []int32{1}},
		&protocol.PartitionRecord{TopicID: protocol.UUID{1}, PartitionID: 1, Replicas: []int32{1}},
		ConfigRecord(Resource{GroupResource, "g"}, "n", &value),
		&protocol.ProducerIDsRecord{NextProducerID: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := Whole(image)
	if fmt.Sprintf("%+v", whole) != fmt.Sprintf("%+v", built) {
		t.Errorf("%+v\nwant %+v", whole, built)
	}
	if !Whole(NewImage("c")).Empty() || whole.Empty() {
		t.Error("Empty")
	}
	if e, ok := image.Broker(1).Endpoint("L"); !ok || e.Port != 1 {
		t.Error("Endpoint")
	}
	if _, ok := image.Broker(1).Endpoint("M"); ok {
		t.Error("Endpoint of no listener")
	}
	if n := len(slices.Collect(image.LiveBrokers())); n != 1 || image.BrokerCount() != 1 || image.Topic("t").ReplicationFactor() != 1 {
		t.Error("counts")
	}
}
