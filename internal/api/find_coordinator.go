package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Key types of FindCoordinator.
const (
	coordinatorOfGroup       int8 = 0
	coordinatorOfTransaction int8 = 1
	coordinatorOfShare       int8 = 2
)

// FindCoordinator (10), versions 0 to 6: the node that coordinates a group, which is the leader of the group's
// partition of __consumer_offsets (F1). The topic is created by the first who asks; unlike Kafka, which answers
// COORDINATOR_NOT_AVAILABLE then, the answer waits for it. Many keys from 4 on (KIP-699).
//
// A client that was sent away from here and asks here again is not answered: Away.
func (n *Node) findCoordinator(c *Call) {
	if n.sendsAway(c) {
		return
	}
	request := c.Request.(*protocol.FindCoordinatorRequest)
	if request.KeyType != coordinatorOfGroup || n.Image().Topic(metadata.ConsumerOffsetsTopic) != nil {
		n.replyCoordinator(c, request, nil)
		return
	}
	n.createAutomatically([]string{metadata.ConsumerOffsetsTopic}, func(failed map[string]error) {
		n.replyCoordinator(c, request, failed[metadata.ConsumerOffsetsTopic])
	})
}

func (n *Node) replyCoordinator(c *Call, request *protocol.FindCoordinatorRequest, failed error) {
	response := protocol.NewFindCoordinatorResponse()
	if c.Version < 4 {
		found := n.coordinator(c, request.KeyType, request.CoordinatorKey, failed)
		response.ErrorCode, response.ErrorMessage = found.ErrorCode, found.ErrorMessage
		response.NodeID, response.Host, response.Port = found.NodeID, found.Host, found.Port
		c.Reply(response)
		return
	}
	response.Coordinators = []protocol.FindCoordinatorResponseCoordinator{}
	for _, key := range request.CoordinatorKeys {
		response.Coordinators = append(response.Coordinators, n.coordinator(c, request.KeyType, key, failed))
	}
	c.Reply(response)
}

func (n *Node) coordinator(c *Call, kind int8, key string, failed error) protocol.FindCoordinatorResponseCoordinator {
	found := protocol.FindCoordinatorResponseCoordinator{Key: key, NodeID: -1, Port: -1}
	broker, err := n.coordinatorBroker(c, kind, key, failed)
	if err != nil {
		found.ErrorCode, found.ErrorMessage = n.failText(c, err)
		return found
	}
	endpoint, _ := broker.Endpoint(c.Client.Listener)
	found.NodeID, found.Host, found.Port = int32(broker.ID), endpoint.Host, int32(endpoint.Port)
	return found
}

func (n *Node) coordinatorBroker(c *Call, kind int8, key string, failed error) (*metadata.Broker, error) {
	switch {
	case kind == coordinatorOfTransaction:
		return nil, protocol.Fail(protocol.TransactionalIDAuthorizationFailed, "transactions are not supported yet; take transactional.id (%q) away", key)
	case kind == coordinatorOfShare && c.Version >= 6:
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "share groups are not supported yet")
	case kind != coordinatorOfGroup:
		return nil, protocol.Fail(protocol.InvalidRequest, "key type %d is not known in version %d", kind, c.Version)
	case failed != nil:
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "%s cannot be created: %w", metadata.ConsumerOffsetsTopic, failed)
	}
	image := n.Image()
	partition := image.Partition(metadata.TopicPartition{Topic: metadata.ConsumerOffsetsTopic, Partition: n.Groups.PartitionFor(key)})
	if partition == nil || partition.Leader == metadata.NoNode {
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "partition %d of %s, which group %q belongs to, has no leader",
			n.Groups.PartitionFor(key), metadata.ConsumerOffsetsTopic, key)
	}
	if own := n.Partitions.Find(metadata.ConsumerOffsetsTopic, partition.Index); partition.Leader == n.Self && own != nil && !own.Leased() {
		c.Client.Away.note(own.Forsaken())
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "node %d, which coordinated group %q, hears no controller: ask another node", n.Self, key)
	}
	broker := image.Broker(partition.Leader)
	if broker == nil || broker.Fenced {
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "node %d, which coordinates group %q, does not live", partition.Leader, key)
	}
	if _, ok := broker.Endpoint(c.Client.Listener); !ok {
		return nil, protocol.Fail(protocol.CoordinatorNotAvailable, "node %d, which coordinates group %q, is not on listener %s", partition.Leader, key, c.Client.Listener)
	}
	return broker, nil
}
