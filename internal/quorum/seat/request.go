package seat

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Random is a source of random bytes, nil is crypto/rand.
type Random func([]byte)

// Fill fills b.
func (r Random) Fill(b []byte) {
	if r == nil {
		_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
		return
	}
	r(b)
}

// UUID is a random id (RFC 9562, version 4).
func (r Random) UUID() (id protocol.UUID) {
	r.Fill(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// Number is a random number.
func (r Random) Number() uint32 {
	var b [4]byte
	r.Fill(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// Event makes the controller's event of a request, with what is random drawn beforehand; nil for a request that no
// controller takes. version is the request's. local says, when the event is made, whether a broker lives and ends with the
// controller.
func Event(random Random, request protocol.Message, version int16, local func(broker metadata.NodeID) bool) func(controller.Token) controller.Event {
	switch r := request.(type) {
	case *protocol.CreateTopicsRequest:
		ids, start := make([]protocol.UUID, len(r.Topics)), random.Number()
		for i := range ids {
			ids[i] = random.UUID()
		}
		return func(t controller.Token) controller.Event {
			return &controller.CreateTopics{Token: t, Request: r, TopicIDs: ids, Start: start}
		}
	case *protocol.DeleteTopicsRequest:
		return func(t controller.Token) controller.Event {
			return &controller.DeleteTopics{Token: t, Request: r, Version: version}
		}
	case *protocol.CreatePartitionsRequest:
		start := random.Number()
		return func(t controller.Token) controller.Event {
			return &controller.CreatePartitions{Token: t, Request: r, Start: start}
		}
	case *protocol.IncrementalAlterConfigsRequest:
		return func(t controller.Token) controller.Event {
			return &controller.IncrementalAlterConfigs{Token: t, Request: r}
		}
	case *protocol.AlterConfigsRequest:
		return func(t controller.Token) controller.Event { return &controller.AlterConfigs{Token: t, Request: r} }
	case *protocol.ElectLeadersRequest:
		return func(t controller.Token) controller.Event { return &controller.ElectLeaders{Token: t, Request: r} }
	case *protocol.AllocateProducerIDsRequest:
		return func(t controller.Token) controller.Event {
			return &controller.AllocateProducerIDs{Token: t, Request: r}
		}
	case *protocol.BrokerHeartbeatRequest:
		return func(t controller.Token) controller.Event { return &controller.BrokerHeartbeat{Token: t, Request: r} }
	case *protocol.BrokerRegistrationRequest:
		return func(t controller.Token) controller.Event {
			return &controller.RegisterBroker{Token: t, Request: r, Local: local(metadata.NodeID(r.BrokerID))}
		}
	case *protocol.UnregisterBrokerRequest:
		return func(t controller.Token) controller.Event { return &controller.UnregisterBroker{Token: t, Request: r} }
	case *protocol.AlterPartitionRequest:
		return func(t controller.Token) controller.Event { return &controller.AlterPartition{Token: t, Request: r} }
	case *protocol.AssignReplicasToDirsRequest:
		return func(t controller.Token) controller.Event { return &controller.AssignReplicas{Token: t, Request: r} }
	case *protocol.AlterPartitionReassignmentsRequest:
		return func(t controller.Token) controller.Event {
			return &controller.AlterPartitionReassignments{Token: t, Request: r}
		}
	case *protocol.ListPartitionReassignmentsRequest:
		return func(t controller.Token) controller.Event {
			return &controller.ListPartitionReassignments{Token: t, Request: r}
		}
	}
	return nil
}
