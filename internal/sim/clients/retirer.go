package clients

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Retirer is a person who takes a broker out of the cluster: its replicas move to others, then its id is forgotten.
type Retirer struct{ *Client }

// NewRetirer makes one.
func NewRetirer(w *World) *Retirer { return &Retirer{newClient(w, "retirer")} }

// Drain moves replicas from a broker until a broker says that it has none, and calls then.
func (r *Retirer) Drain(broker int32, then func()) {
	q := protocol.NewMetadataRequest()
	q.Topics = nil // all
	r.ask(r.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		if err == nil {
			if topics := r.moves(answer.(*protocol.MetadataResponse), broker); topics == nil {
				then()
				return
			} else if len(topics) > 0 {
				r.move(topics)
			}
		}
		r.later(300*time.Millisecond, time.Second, func() { r.Drain(broker, then) })
	})
}

// moves says what replicas take the place of a broker's; nil if it has none, and nothing where there is nobody to take them.
func (r *Retirer) moves(m *protocol.MetadataResponse, broker int32) []protocol.AlterPartitionReassignmentsRequestReassignableTopic {
	var topics []protocol.AlterPartitionReassignmentsRequestReassignableTopic
	for i := range m.Topics {
		topic := protocol.AlterPartitionReassignmentsRequestReassignableTopic{Name: text(m.Topics[i].Name)}
		for _, p := range m.Topics[i].Partitions {
			if !slices.Contains(p.ReplicaNodes, broker) {
				continue
			}
			if topics == nil {
				topics = []protocol.AlterPartitionReassignmentsRequestReassignableTopic{}
			}
			if replicas := r.without(m, p.ReplicaNodes, broker); replicas != nil {
				topic.Partitions = append(topic.Partitions, protocol.AlterPartitionReassignmentsRequestReassignablePartition{PartitionIndex: p.PartitionIndex, Replicas: replicas})
			}
		}
		if len(topic.Partitions) > 0 {
			topics = append(topics, topic)
		}
	}
	return topics
}

// without puts another broker in one's place; nil if none is left. Where others were added already, it is left out alone.
func (r *Retirer) without(m *protocol.MetadataResponse, replicas []int32, broker int32) []int32 {
	rest := slices.DeleteFunc(slices.Clone(replicas), func(id int32) bool { return id == broker })
	for _, i := range r.rand.Perm(len(m.Brokers)) {
		if id := m.Brokers[i].NodeID; len(rest) < int(r.World.Replicas) && id != broker && !slices.Contains(rest, id) {
			rest = append(rest, id)
		}
	}
	if len(rest) < int(r.World.Replicas) {
		return nil
	}
	return rest[:r.World.Replicas]
}

func (r *Retirer) move(topics []protocol.AlterPartitionReassignmentsRequestReassignableTopic) {
	q := protocol.NewAlterPartitionReassignmentsRequest()
	q.TimeoutMs, q.Topics = 5000, topics
	r.ask(r.any(), q, RequestTimeout, func(protocol.Message, error) {}) // whether it went is seen in the metadata
}

// Unregister has the cluster forget a broker's id, and calls then.
func (r *Retirer) Unregister(broker int32, then func()) {
	r.ask(r.any(), &protocol.UnregisterBrokerRequest{BrokerID: broker}, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.RequestTimedOut
		if err == nil {
			code = answer.(*protocol.UnregisterBrokerResponse).ErrorCode
		}
		r.World.Notef("unregister %d: %v %v", broker, code, err)
		if code == protocol.None || code == protocol.BrokerIDNotRegistered {
			then()
			return
		}
		r.later(100*time.Millisecond, 500*time.Millisecond, func() { r.Unregister(broker, then) })
	})
}
