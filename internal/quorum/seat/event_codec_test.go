package seat

import (
	"reflect"
	"testing"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// TestClusterEventsAreKept: what a recording keeps of an event is the event.
func TestClusterEventsAreKept(t *testing.T) {
	alter := func(p protocol.AlterPartitionRequestPartitionData) *protocol.AlterPartitionRequest {
		r := protocol.NewAlterPartitionRequest()
		r.BrokerID, r.BrokerEpoch = 1, 7
		r.Topics = []protocol.AlterPartitionRequestTopicData{{TopicID: protocol.UUID{1}, Partitions: []protocol.AlterPartitionRequestPartitionData{p}}}
		return r
	}
	move := protocol.NewAlterPartitionReassignmentsRequest()
	move.Topics = []protocol.AlterPartitionReassignmentsRequestReassignableTopic{{Name: "a",
		Partitions: []protocol.AlterPartitionReassignmentsRequestReassignablePartition{{PartitionIndex: 3, Replicas: []int32{1, 2}}, {PartitionIndex: 4}}}}
	list := protocol.NewListPartitionReassignmentsRequest()
	list.Topics = []protocol.ListPartitionReassignmentsRequestTopics{{Name: "a", PartitionIndexes: []int32{3}}}
	gone := protocol.NewAssignReplicasToDirsRequest()
	gone.BrokerID, gone.BrokerEpoch = 3, 4
	gone.Directories = []protocol.AssignReplicasToDirsRequestDirectoryData{{ID: metadata.LostDirectory, Topics: []protocol.AssignReplicasToDirsRequestTopicData{
		{TopicID: protocol.UUID{1}, Partitions: []protocol.AssignReplicasToDirsRequestPartitionData{{PartitionIndex: 5}}}}}}
	for _, event := range []controller.Event{
		&controller.AssignReplicas{Token: 9, Request: gone},
		&controller.AlterPartition{Token: 1, Request: alter(protocol.AlterPartitionRequestPartitionData{PartitionIndex: 2, LeaderEpoch: 3, PartitionEpoch: 4,
			NewIsrWithEpochs: []protocol.AlterPartitionRequestBrokerState{{BrokerID: 1, BrokerEpoch: 7}, {BrokerID: 2, BrokerEpoch: -1}}})},
		&controller.AlterPartition{Token: 2, Request: alter(protocol.AlterPartitionRequestPartitionData{NewIsr: []int32{1, 2}, LeaderRecoveryState: 1})},
		&controller.AlterPartitionReassignments{Token: 3, Request: move},
		&controller.ListPartitionReassignments{Token: 4, Request: list},
		&controller.ListPartitionReassignments{Token: 5, Request: protocol.NewListPartitionReassignmentsRequest()},
		&controller.HeartbeatConnectionLost{Broker: 3, Epoch: 9},
		&controller.HeartbeatConnectionLost{Broker: 3, Epoch: metadata.NoBrokerEpoch},
		&controller.BalanceDue{},
		&controller.SeveralChanged{Several: true},
		&controller.SeveralChanged{},
	} {
		b, ok := appendEvent(nil, event)
		if !ok {
			t.Fatalf("%T is not kept", event)
		}
		if again, err := decodeEvent(b); err != nil || !reflect.DeepEqual(again, event) {
			t.Errorf("%+v became %+v, %v", event, again, err)
		}
	}
}
