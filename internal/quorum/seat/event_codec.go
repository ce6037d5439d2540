package seat

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// An event of the controller, as the flight recorder keeps it:
//
//	kind uint8 | token uvarint | extra | version uint8 | request as on the wire
//
// extra depends on the kind: the topic ids (uvarint and 16 bytes each) and start of CreateTopics, the start of
// CreatePartitions, the version of DeleteTopics, Local of RegisterBroker. Events that are no requests have extra alone.
const (
	kindResign byte = iota + 1
	kindCommitted
	kindExpired
	kindCreateTopics
	kindDeleteTopics
	kindCreatePartitions
	kindIncrementalAlterConfigs
	kindAlterConfigs
	kindElectLeaders
	kindAllocateProducerIDs
	kindRegisterBroker
	kindBrokerHeartbeat
	kindUnregisterBroker
	kindAlterPartition
	kindAlterPartitionReassignments
	kindListPartitionReassignments
	kindConnectionLost
	kindBalanceDue
	kindRefused
	kindSeveralChanged
	kindAssignReplicas
)

// appendEvent appends an event; false if it is one that the recorder does not keep: Lead, which begins a chapter.
func appendEvent(dst []byte, event controller.Event) ([]byte, bool) {
	head := func(kind byte, values ...uint64) []byte {
		dst = append(dst, kind)
		for _, v := range values {
			dst = binary.AppendUvarint(dst, v)
		}
		return dst
	}
	var request protocol.Message
	switch e := event.(type) {
	case *controller.Resign:
		return head(kindResign), true
	case *controller.Committed:
		return head(kindCommitted, e.Sequence, uint64(e.Offset)), true
	case *controller.SessionExpired:
		return head(kindExpired, uint64(e.Broker)), true
	case *controller.HeartbeatConnectionLost:
		return head(kindConnectionLost, uint64(e.Broker), uint64(e.Epoch+1)), true
	case *controller.BrokerRefused:
		return head(kindRefused, uint64(e.Broker)), true
	case *controller.BalanceDue:
		return head(kindBalanceDue), true
	case *controller.SeveralChanged:
		return head(kindSeveralChanged, flag(e.Several)), true
	case *controller.CreateTopics:
		dst = head(kindCreateTopics, uint64(e.Token), uint64(len(e.TopicIDs)))
		for _, id := range e.TopicIDs {
			dst = append(dst, id[:]...)
		}
		dst, request = binary.AppendUvarint(dst, uint64(e.Start)), e.Request
	case *controller.DeleteTopics:
		dst, request = head(kindDeleteTopics, uint64(e.Token), uint64(e.Version)), e.Request
	case *controller.CreatePartitions:
		dst, request = head(kindCreatePartitions, uint64(e.Token), uint64(e.Start)), e.Request
	case *controller.IncrementalAlterConfigs:
		dst, request = head(kindIncrementalAlterConfigs, uint64(e.Token)), e.Request
	case *controller.AlterConfigs:
		dst, request = head(kindAlterConfigs, uint64(e.Token)), e.Request
	case *controller.ElectLeaders:
		dst, request = head(kindElectLeaders, uint64(e.Token)), e.Request
	case *controller.AllocateProducerIDs:
		dst, request = head(kindAllocateProducerIDs, uint64(e.Token)), e.Request
	case *controller.RegisterBroker:
		dst, request = head(kindRegisterBroker, uint64(e.Token), flag(e.Local)), e.Request
	case *controller.BrokerHeartbeat:
		dst, request = head(kindBrokerHeartbeat, uint64(e.Token)), e.Request
	case *controller.UnregisterBroker:
		dst, request = head(kindUnregisterBroker, uint64(e.Token)), e.Request
	case *controller.AlterPartition:
		dst, request = head(kindAlterPartition, uint64(e.Token)), e.Request
	case *controller.AssignReplicas:
		dst, request = head(kindAssignReplicas, uint64(e.Token)), e.Request
	case *controller.AlterPartitionReassignments:
		dst, request = head(kindAlterPartitionReassignments, uint64(e.Token)), e.Request
	case *controller.ListPartitionReassignments:
		dst, request = head(kindListPartitionReassignments, uint64(e.Token)), e.Request
	default:
		return dst, false
	}
	version := requestVersion(event)
	return protocol.AppendMessage(append(dst, byte(version)), request, version), true
}

func flag(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// requestVersion is the version in which a request loses nothing: the highest, but for DeleteTopics and AlterPartition,
// which name topics and the ISR in two ways.
func requestVersion(event controller.Event) int16 {
	switch e := event.(type) {
	case *controller.DeleteTopics:
		if len(e.Request.TopicNames) > 0 {
			return 5
		}
		return 6
	case *controller.AlterPartition:
		return alterPartitionVersion(e.Request)
	}
	_, highest := protocol.Decodable(requestOf(event).Key())
	return highest
}

func alterPartitionVersion(r *protocol.AlterPartitionRequest) int16 {
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			if len(r.Topics[i].Partitions[j].NewIsr) > 0 {
				return 2
			}
		}
	}
	return 3
}

func requestOf(event controller.Event) protocol.Message {
	switch e := event.(type) {
	case *controller.CreateTopics:
		return e.Request
	case *controller.CreatePartitions:
		return e.Request
	case *controller.IncrementalAlterConfigs:
		return e.Request
	case *controller.AlterConfigs:
		return e.Request
	case *controller.ElectLeaders:
		return e.Request
	case *controller.AllocateProducerIDs:
		return e.Request
	case *controller.RegisterBroker:
		return e.Request
	case *controller.BrokerHeartbeat:
		return e.Request
	case *controller.UnregisterBroker:
		return e.Request
	case *controller.AlterPartition:
		return e.Request
	case *controller.AssignReplicas:
		return e.Request
	case *controller.AlterPartitionReassignments:
		return e.Request
	case *controller.ListPartitionReassignments:
		return e.Request
	}
	panic(fmt.Sprintf("quorum: event %T has no request", event))
}

var errRecording = errors.New("the recording is damaged")

// eventReader reads what appendEvent wrote; the first failure sticks.
type eventReader struct {
	b   []byte
	err error
}

func (r *eventReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.err, r.b = errRecording, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *eventReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.err, r.b = errRecording, nil
		return make([]byte, max(min(n, 16), 0))
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// request decodes the rest of the event.
func (r *eventReader) request(m protocol.Message) {
	version := int16(r.take(1)[0])
	if r.err == nil {
		r.err = m.Decode(protocol.NewReader(append([]byte(nil), r.b...), protocol.Limits{}), version)
	}
}

func (r *eventReader) ids() []protocol.UUID {
	n := r.uvarint()
	if n > uint64(len(r.b)/16) {
		r.err = errRecording
		return nil
	}
	ids := make([]protocol.UUID, n)
	for i := range ids {
		ids[i] = protocol.UUID(r.take(16))
	}
	return ids
}

func decodeEvent(b []byte) (controller.Event, error) {
	r := &eventReader{b: b}
	var event controller.Event
	switch kind := r.take(1)[0]; kind {
	case kindResign:
		event = &controller.Resign{}
	case kindCommitted:
		event = &controller.Committed{Sequence: r.uvarint(), Offset: record.Offset(r.uvarint())}
	case kindExpired:
		event = &controller.SessionExpired{Broker: metadata.NodeID(r.uvarint())}
	case kindConnectionLost:
		event = &controller.HeartbeatConnectionLost{
			Broker: metadata.NodeID(r.uvarint()), Epoch: metadata.BrokerEpoch(r.uvarint()) - 1,
		}
	case kindRefused:
		event = &controller.BrokerRefused{Broker: metadata.NodeID(r.uvarint())}
	case kindBalanceDue:
		event = &controller.BalanceDue{}
	case kindSeveralChanged:
		event = &controller.SeveralChanged{Several: r.uvarint() == 1}
	default:
		event = r.requestEvent(kind, controller.Token(r.uvarint()))
	}
	if r.err != nil {
		return nil, r.err
	}
	return event, nil
}

func (r *eventReader) requestEvent(kind byte, token controller.Token) controller.Event {
	switch kind {
	case kindCreateTopics:
		e := &controller.CreateTopics{Token: token, TopicIDs: r.ids(), Start: uint32(r.uvarint()), Request: &protocol.CreateTopicsRequest{}}
		r.request(e.Request)
		return e
	case kindDeleteTopics:
		e := &controller.DeleteTopics{Token: token, Version: int16(r.uvarint()), Request: &protocol.DeleteTopicsRequest{}}
		r.request(e.Request)
		return e
	case kindCreatePartitions:
		e := &controller.CreatePartitions{Token: token, Start: uint32(r.uvarint()), Request: &protocol.CreatePartitionsRequest{}}
		r.request(e.Request)
		return e
	case kindIncrementalAlterConfigs:
		e := &controller.IncrementalAlterConfigs{Token: token, Request: &protocol.IncrementalAlterConfigsRequest{}}
		r.request(e.Request)
		return e
	case kindAlterConfigs:
		e := &controller.AlterConfigs{Token: token, Request: &protocol.AlterConfigsRequest{}}
		r.request(e.Request)
		return e
	case kindElectLeaders:
		e := &controller.ElectLeaders{Token: token, Request: &protocol.ElectLeadersRequest{}}
		r.request(e.Request)
		return e
	case kindAllocateProducerIDs:
		e := &controller.AllocateProducerIDs{Token: token, Request: &protocol.AllocateProducerIDsRequest{}}
		r.request(e.Request)
		return e
	}
	return r.brokerEvent(kind, token)
}

func (r *eventReader) brokerEvent(kind byte, token controller.Token) controller.Event {
	switch kind {
	case kindRegisterBroker:
		e := &controller.RegisterBroker{Token: token, Local: r.uvarint() == 1, Request: &protocol.BrokerRegistrationRequest{}}
		r.request(e.Request)
		return e
	case kindBrokerHeartbeat:
		e := &controller.BrokerHeartbeat{Token: token, Request: &protocol.BrokerHeartbeatRequest{}}
		r.request(e.Request)
		return e
	case kindUnregisterBroker:
		e := &controller.UnregisterBroker{Token: token, Request: &protocol.UnregisterBrokerRequest{}}
		r.request(e.Request)
		return e
	}
	return r.partitionEvent(kind, token)
}

func (r *eventReader) partitionEvent(kind byte, token controller.Token) controller.Event {
	switch kind {
	case kindAlterPartition:
		e := &controller.AlterPartition{Token: token, Request: &protocol.AlterPartitionRequest{}}
		r.request(e.Request)
		return e
	case kindAssignReplicas:
		e := &controller.AssignReplicas{Token: token, Request: &protocol.AssignReplicasToDirsRequest{}}
		r.request(e.Request)
		return e
	case kindAlterPartitionReassignments:
		e := &controller.AlterPartitionReassignments{Token: token, Request: &protocol.AlterPartitionReassignmentsRequest{}}
		r.request(e.Request)
		return e
	case kindListPartitionReassignments:
		e := &controller.ListPartitionReassignments{Token: token, Request: &protocol.ListPartitionReassignmentsRequest{}}
		r.request(e.Request)
		return e
	}
	r.err = errRecording
	return nil
}
