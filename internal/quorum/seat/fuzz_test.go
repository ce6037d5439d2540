package seat

import (
	"bytes"
	"testing"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/protocol"
)

// FuzzEvent: one event of a recording.
func FuzzEvent(f *testing.F) {
	topic := protocol.NewCreateTopicsRequest()
	topic.Topics = []protocol.CreateTopicsRequestCreatableTopic{{Name: "a", NumPartitions: 2, ReplicationFactor: 1}}
	broker := protocol.NewBrokerRegistrationRequest()
	broker.BrokerID, broker.ClusterID, broker.LogDirs = 2, "c", []protocol.UUID{{9}}
	for _, e := range []controller.Event{
		&controller.CreateTopics{Token: 1, TopicIDs: []protocol.UUID{{1}}, Start: 7, Request: topic},
		&controller.DeleteTopics{Token: 2, Version: 3, Request: &protocol.DeleteTopicsRequest{TopicNames: []string{"a"}}},
		&controller.RegisterBroker{Token: 3, Local: true, Request: broker},
		&controller.Committed{Sequence: 4, Offset: 5}, &controller.Resign{}, &controller.SessionExpired{Broker: 6},
	} {
		b, _ := appendEvent(nil, e)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		event, err := decodeEvent(b)
		if err != nil {
			return
		}
		once, ok := appendEvent(nil, event)
		if !ok {
			t.Fatalf("%T cannot be encoded", event)
		}
		again, err := decodeEvent(once)
		if err != nil {
			t.Fatalf("%T: %v", event, err)
		}
		if twice, _ := appendEvent(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%T changed:\n%x\n%x", event, once, twice)
		}
	})
}
