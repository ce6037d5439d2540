package quorum

import (
	"context"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// Submit gives a request to the controller. done is called once, with the response or with an error that carries the
// code for all of the request: NOT_CONTROLLER, KAFKA_STORAGE_ERROR when the log has stopped, or what the controller says.
// What the response confirms is durable and every subscriber has seen it. done may run on the node's goroutine and must
// not wait. The request is kept until then and must not change.
//
// The requests are those for which this package has a method, and those about the members, see membership_request.go.
// version is the request's, for answers that depend on it.
func (n *Node) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	switch r := request.(type) {
	case *protocol.JoinQuorumRequest:
		n.joinQuorum(r, done)
		return
	case *protocol.AddRaftVoterRequest:
		n.addRaftVoter(r, done)
		return
	case *protocol.RemoveRaftVoterRequest:
		n.removeRaftVoter(r, done)
		return
	case *protocol.UnregisterBrokerRequest:
		done = n.forgetting(metadata.NodeID(r.BrokerID), done)
	}
	event := seat.Event(n.config.Random, request, version, func(broker metadata.NodeID) bool {
		// This process's broker needs no session only while no other node could lead without this one.
		return broker == n.config.NodeID && n.members.decides(n.config.NodeID)
	})
	if event == nil {
		done(nil, protocol.Fail(protocol.UnsupportedVersion, "the controller takes no request of type %T", request))
		return
	}
	if err := n.inbox.Put(seat.Message{Event: event, Done: done}); err != nil {
		done(nil, err)
	}
}

// call submits a request and waits for the answer, for the context, whichever is first. A request whose context ends may
// still be carried out.
func call[R protocol.Message](ctx context.Context, n *Node, request protocol.Message, version int16) (R, error) {
	type answer struct {
		response protocol.Message
		err      error
	}
	var none R
	answers := make(chan answer, 1)
	n.Submit(request, version, func(response protocol.Message, err error) { answers <- answer{response, err} })
	select {
	case a := <-answers:
		if a.err != nil {
			return none, a.err
		}
		return a.response.(R), nil
	case <-ctx.Done():
		return none, protocol.Fail(protocol.RequestTimedOut, "the controller has not answered yet: %w", context.Cause(ctx))
	}
}

// CreateTopics creates topics and waits until they are durable. Errors of single topics are in the response.
func (n *Node) CreateTopics(ctx context.Context, r *protocol.CreateTopicsRequest) (*protocol.CreateTopicsResponse, error) {
	return call[*protocol.CreateTopicsResponse](ctx, n, r, 0)
}

// DeleteTopics deletes topics by name or id. version is the request's.
func (n *Node) DeleteTopics(ctx context.Context, r *protocol.DeleteTopicsRequest, version int16) (*protocol.DeleteTopicsResponse, error) {
	return call[*protocol.DeleteTopicsResponse](ctx, n, r, version)
}

// CreatePartitions adds partitions to topics.
func (n *Node) CreatePartitions(ctx context.Context, r *protocol.CreatePartitionsRequest) (*protocol.CreatePartitionsResponse, error) {
	return call[*protocol.CreatePartitionsResponse](ctx, n, r, 0)
}

// IncrementalAlterConfigs changes single names of configurations.
func (n *Node) IncrementalAlterConfigs(ctx context.Context, r *protocol.IncrementalAlterConfigsRequest) (*protocol.IncrementalAlterConfigsResponse, error) {
	return call[*protocol.IncrementalAlterConfigsResponse](ctx, n, r, 0)
}

// AlterConfigs replaces configurations.
func (n *Node) AlterConfigs(ctx context.Context, r *protocol.AlterConfigsRequest) (*protocol.AlterConfigsResponse, error) {
	return call[*protocol.AlterConfigsResponse](ctx, n, r, 0)
}

// ElectLeaders elects leaders by hand.
func (n *Node) ElectLeaders(ctx context.Context, r *protocol.ElectLeadersRequest) (*protocol.ElectLeadersResponse, error) {
	return call[*protocol.ElectLeadersResponse](ctx, n, r, 0)
}

// AllocateProducerIDs takes the next block of producer ids for a broker.
func (n *Node) AllocateProducerIDs(ctx context.Context, r *protocol.AllocateProducerIDsRequest) (*protocol.AllocateProducerIDsResponse, error) {
	return call[*protocol.AllocateProducerIDsResponse](ctx, n, r, 0)
}

// RegisterBroker makes a broker known; that of this process is unfenced at once if this node is the only voter.
func (n *Node) RegisterBroker(ctx context.Context, r *protocol.BrokerRegistrationRequest) (*protocol.BrokerRegistrationResponse, error) {
	return call[*protocol.BrokerRegistrationResponse](ctx, n, r, 0)
}

// BrokerHeartbeat prolongs a broker's session, and is answered when a majority has said since that this node leads. The broker
// of this process needs none while this node is the only voter.
func (n *Node) BrokerHeartbeat(ctx context.Context, r *protocol.BrokerHeartbeatRequest) (*protocol.BrokerHeartbeatResponse, error) {
	return call[*protocol.BrokerHeartbeatResponse](ctx, n, r, 0)
}

// UnregisterBroker forgets a broker.
func (n *Node) UnregisterBroker(ctx context.Context, r *protocol.UnregisterBrokerRequest) (*protocol.UnregisterBrokerResponse, error) {
	return call[*protocol.UnregisterBrokerResponse](ctx, n, r, 0)
}

// AlterPartition changes the ISR of partitions as their leader wants.
func (n *Node) AlterPartition(ctx context.Context, r *protocol.AlterPartitionRequest) (*protocol.AlterPartitionResponse, error) {
	return call[*protocol.AlterPartitionResponse](ctx, n, r, 0)
}

// AlterPartitionReassignments moves partitions to other replicas, or gives such moves up.
func (n *Node) AlterPartitionReassignments(ctx context.Context, r *protocol.AlterPartitionReassignmentsRequest) (*protocol.AlterPartitionReassignmentsResponse, error) {
	return call[*protocol.AlterPartitionReassignmentsResponse](ctx, n, r, 0)
}

// ListPartitionReassignments says which partitions are being moved.
func (n *Node) ListPartitionReassignments(ctx context.Context, r *protocol.ListPartitionReassignmentsRequest) (*protocol.ListPartitionReassignmentsResponse, error) {
	return call[*protocol.ListPartitionReassignmentsResponse](ctx, n, r, 0)
}

// HeartbeatConnectionLost tells the controller, if this node is it, that the connection has ended over which a broker sent
// its last heartbeat, in the given broker epoch. It does not wait.
func (n *Node) HeartbeatConnectionLost(broker metadata.NodeID, epoch metadata.BrokerEpoch) {
	_ = n.inbox.Put(seat.Message{Work: func(now time.Time) error { // a node that has stopped has no sessions
		return n.step(now, &controller.HeartbeatConnectionLost{Broker: broker, Epoch: epoch})
	}})
}

// Refused tells the controller, if this node is it, that a connection to a member was refused. It does not wait, and may be
// called as often as that happens: the controller hears it once in its epoch.
func (n *Node) Refused(member metadata.NodeID) {
	_ = n.inbox.Put(seat.Message{Work: func(now time.Time) error { // a node that has stopped has no sessions
		c := n.contacts[member]
		if !n.seat.Controller.Leading() || c.refused == n.term {
			return nil
		}
		c.refused = n.term
		n.contacts[member] = c
		return n.step(now, &controller.BrokerRefused{Broker: member})
	}})
}
