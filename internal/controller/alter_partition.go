package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// What LeaderRecoveryState says (KIP-704).
const (
	leaderRecovered  int8 = 0
	leaderRecovering int8 = 1
)

// alterPartition changes the ISR of partitions as their leaders want (KIP-497), each by itself.
func (c *Controller) alterPartition(e *AlterPartition) (protocol.Message, []metadata.Record, error) {
	id, epoch := metadata.NodeID(e.Request.BrokerID), metadata.BrokerEpoch(e.Request.BrokerEpoch)
	b := c.image.Broker(id)
	if b == nil || b.Epoch != epoch && !c.config.faults.takesStaleBrokerEpoch {
		return nil, nil, protocol.Fail(protocol.StaleBrokerEpoch, "broker %d is not registered in epoch %d", id, epoch)
	}
	response := protocol.NewAlterPartitionResponse()
	var records []metadata.Record
	rules := c.rules(c.image)
	seen := make(map[partitionKey]struct{})
	for i := range e.Request.Topics {
		asked := &e.Request.Topics[i]
		answered := protocol.NewAlterPartitionResponseTopicData()
		answered.TopicID = asked.TopicID
		topic := c.image.TopicByID(asked.TopicID)
		for j := range asked.Partitions {
			wanted := &asked.Partitions[j]
			result := protocol.NewAlterPartitionResponsePartitionData()
			result.PartitionIndex = wanted.PartitionIndex
			key := partitionKey{asked.TopicID, wanted.PartitionIndex}
			if _, twice := seen[key]; twice {
				result.ErrorCode = protocol.InvalidRequest
			} else if topic == nil {
				result.ErrorCode = protocol.UnknownTopicID
			} else {
				seen[key] = struct{}{}
				records = c.alterISR(id, topic, wanted, rules, &result, records)
			}
			answered.Partitions = append(answered.Partitions, result)
		}
		response.Topics = append(response.Topics, answered)
	}
	return response, records, nil
}

// partitionKey names a partition within one request.
type partitionKey struct {
	topic     protocol.UUID
	partition int32
}

// alterISR carries out one leader's wish and fills in the answer.
func (c *Controller) alterISR(leader metadata.NodeID, t *metadata.Topic, wanted *protocol.AlterPartitionRequestPartitionData,
	rules topicRulesOf, result *protocol.AlterPartitionResponsePartitionData, records []metadata.Record) []metadata.Record {
	p := t.Partition(wanted.PartitionIndex)
	isr := brokerStates(wanted)
	if result.ErrorCode = c.checkISR(leader, p, wanted, isr); result.ErrorCode != protocol.None {
		return records
	}
	ch := &change{recovered: wanted.LeaderRecoveryState == leaderRecovered, isr: make([]metadata.NodeID, len(isr))}
	for i, b := range isr {
		ch.isr[i] = metadata.NodeID(b.BrokerID)
	}
	if r := c.completed(ch, t, p, rules.of(t.Name)).record(); r != nil {
		records = append(records, r)
		p = p.Change(r)
	}
	if p.Leader != leader {
		// It ended a reassignment, and the leader was one of those that had to go.
		result.ErrorCode = protocol.NewLeaderElected
		return records
	}
	result.LeaderID, result.LeaderEpoch, result.PartitionEpoch = int32(p.Leader), int32(p.LeaderEpoch), int32(p.Epoch)
	result.Isr = metadata.Int32s(p.ISR)
	if p.Recovering {
		result.LeaderRecoveryState = leaderRecovering
	}
	return records
}

// brokerStates is the ISR that is wanted. Version 2 of the request has no broker epochs: -1, as in version 3 where the
// leader does not know one.
func brokerStates(wanted *protocol.AlterPartitionRequestPartitionData) []protocol.AlterPartitionRequestBrokerState {
	if len(wanted.NewIsrWithEpochs) > 0 {
		return wanted.NewIsrWithEpochs
	}
	states := make([]protocol.AlterPartitionRequestBrokerState, len(wanted.NewIsr))
	for i, id := range wanted.NewIsr {
		states[i] = protocol.AlterPartitionRequestBrokerState{BrokerID: id, BrokerEpoch: int64(metadata.NoBrokerEpoch)}
	}
	return states
}

// checkISR says whether a leader may have the ISR that it wants, in Kafka's order. Epochs above those that the controller
// has mean that another node is the controller by now.
func (c *Controller) checkISR(leader metadata.NodeID, p *metadata.Partition, wanted *protocol.AlterPartitionRequestPartitionData,
	isr []protocol.AlterPartitionRequestBrokerState) protocol.Code {
	if p == nil {
		return protocol.UnknownTopicOrPartition
	}
	leaderEpoch, epoch := record.LeaderEpoch(wanted.LeaderEpoch), metadata.PartitionEpoch(wanted.PartitionEpoch)
	switch {
	case leaderEpoch > p.LeaderEpoch, epoch > p.Epoch:
		return protocol.NotController
	case leaderEpoch < p.LeaderEpoch:
		return protocol.FencedLeaderEpoch
	case leader != p.Leader:
		return protocol.InvalidRequest
	case epoch < p.Epoch && !c.config.faults.takesStalePartition:
		return protocol.InvalidUpdateVersion
	case !validISR(p, isr):
		return protocol.InvalidRequest
	case wanted.LeaderRecoveryState != leaderRecovered && wanted.LeaderRecoveryState != leaderRecovering:
		return protocol.InvalidRequest
	case wanted.LeaderRecoveryState == leaderRecovering && (len(isr) > 1 || !p.Recovering):
		return protocol.InvalidRequest
	}
	for _, s := range isr {
		if !c.mayJoin(s) {
			return protocol.IneligibleReplica
		}
	}
	return protocol.None
}

// validISR says whether an ISR has some replicas of the partition, each once, and its leader.
func validISR(p *metadata.Partition, isr []protocol.AlterPartitionRequestBrokerState) bool {
	led := false
	for i, s := range isr {
		twice := slices.ContainsFunc(isr[:i], func(o protocol.AlterPartitionRequestBrokerState) bool { return o.BrokerID == s.BrokerID })
		if twice || !slices.Contains(p.Replicas, metadata.NodeID(s.BrokerID)) {
			return false
		}
		led = led || metadata.NodeID(s.BrokerID) == p.Leader
	}
	return led
}

// mayJoin says whether a broker may be in an ISR: it lives, is not shutting down, and is the incarnation of which the
// leader speaks (KIP-841, KIP-903).
func (c *Controller) mayJoin(s protocol.AlterPartitionRequestBrokerState) bool {
	b := c.image.Broker(metadata.NodeID(s.BrokerID))
	epoch := metadata.BrokerEpoch(s.BrokerEpoch)
	if b != nil && c.config.faults.takesFencedIntoISR {
		return true
	}
	return b.Active() && (epoch == metadata.NoBrokerEpoch || epoch == b.Epoch || c.config.faults.takesStaleBrokerEpoch)
}
