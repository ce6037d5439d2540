package api

import (
	"math"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/replica"
)

// replicasMax bounds the partitions that a client may name in one request.
const replicasMax = 100_000

// DescribeReplicas, version 0, skein's own: how far this node's replicas of partitions are, and for those that it leads why
// each replica is in the ISR or out of it; also since when each broker is what it is. For `skein cluster describe`.
func (n *Node) describeReplicas(c *Call) {
	request := c.Request.(*protocol.DescribeReplicasRequest)
	response := protocol.NewDescribeReplicasResponse()
	response.NodeID, response.NowMs = int32(n.Self), n.Now().UnixMilli()
	response.Brokers = n.brokerStates()
	named := 0
	for i := range request.Topics {
		named += len(request.Topics[i].Partitions)
	}
	if named > replicasMax {
		response.ErrorCode, response.ErrorMessage = n.failText(c, protocol.Fail(protocol.InvalidRequest,
			"%d partitions are asked for; it is at most %d in one request", named, replicasMax))
		c.Reply(response)
		return
	}
	seen := map[metadata.TopicPartition]bool{}
	for i := range request.Topics {
		asked := &request.Topics[i]
		topic := protocol.DescribeReplicasResponseTopic{TopicID: asked.TopicID}
		for _, index := range asked.Partitions {
			key := metadata.TopicPartition{Topic: string(asked.TopicID[:]), Partition: index}
			if seen[key] {
				continue // one that is named again is answered once
			}
			seen[key] = true
			topic.Partitions = append(topic.Partitions, n.describeReplica(c, asked.TopicID, index))
		}
		if len(topic.Partitions) > 0 {
			response.Topics = append(response.Topics, topic)
		}
	}
	c.Reply(response)
}

// brokerStates lists every registered broker.
func (n *Node) brokerStates() (list []protocol.DescribeReplicasResponseBroker) {
	if n.Brokers == nil {
		return nil
	}
	for b := range n.Image().Brokers() {
		state, since := n.Brokers.Of(b)
		list = append(list, protocol.DescribeReplicasResponseBroker{BrokerID: int32(b.ID), BrokerEpoch: int64(b.Epoch), State: string(state), SinceMs: millisOr(since)})
	}
	return list
}

func (n *Node) describeReplica(c *Call, topic protocol.UUID, index int32) protocol.DescribeReplicasResponsePartition {
	answer := protocol.NewDescribeReplicasResponsePartition()
	answer.PartitionIndex = index
	p := n.Partitions.FindByID(topic, index)
	if p == nil {
		answer.ErrorCode, answer.ErrorMessage = n.failText(c, n.hostsNot(topic, index))
		return answer
	}
	view, err := p.View()
	answer.LeaderID, answer.LeaderEpoch = int32(view.Leader), int32(view.Epoch)
	answer.LogStartOffset, answer.LogEndOffset = int64(view.LogStart), int64(view.LogEnd)
	answer.DurableEndOffset, answer.HighWatermark = int64(view.DurableEnd), int64(view.HighWatermark)
	if err != nil {
		answer.ErrorCode, answer.ErrorMessage = n.failText(c, err)
	}
	for i := range view.Replicas {
		answer.Replicas = append(answer.Replicas, n.standing(&view, &view.Replicas[i]))
	}
	return answer
}

// hostsNot says why this node has no replica of a partition.
func (n *Node) hostsNot(topic protocol.UUID, index int32) error {
	known := n.Image().TopicByID(topic)
	switch {
	case known == nil:
		return protocol.Fail(protocol.UnknownTopicID, "no topic has the id %s", topic)
	case known.Partition(index) == nil:
		return protocol.Fail(protocol.UnknownTopicOrPartition, "topic %s has %d partitions, no partition %d", known.Name, known.Len(), index)
	}
	return protocol.Fail(protocol.ReplicaNotAvailable, "node %d holds no replica of %s-%d, or could not open it", n.Self, known.Name, index)
}

// standing tells how one replica stands. What the cluster knows of its broker comes before what its leader does: a broker
// without a session is silent for that reason.
func (n *Node) standing(view *partition.View, r *replica.Replica) protocol.DescribeReplicasResponseReplica {
	answer := protocol.DescribeReplicasResponseReplica{NodeID: int32(r.Node), InSync: r.InSync, Standing: r.Standing.String(), SinceMs: -1,
		LogEndOffset: int64(r.LogEnd), DurableEndOffset: int64(r.DurableEnd)}
	if r.Node == n.Self {
		answer.LogEndOffset, answer.DurableEndOffset = int64(view.LogEnd), int64(view.DurableEnd)
		return answer
	}
	if r.CaughtUp > 0 && r.CaughtUp < math.MaxInt64 {
		answer.SinceMs = n.Now().Add(-r.CaughtUp).UnixMilli()
	}
	if r.InSync {
		return answer
	}
	switch broker := n.Image().Broker(r.Node); {
	case broker == nil:
		answer.Standing, answer.SinceMs = unregistered, -1
	case !broker.Active() && n.Brokers != nil:
		state, since := n.Brokers.Of(broker)
		answer.Standing, answer.SinceMs = string(state), millisOr(since)
	}
	return answer
}

// unregistered is the standing of a replica whose broker the cluster does not know.
const unregistered = "unregistered"
