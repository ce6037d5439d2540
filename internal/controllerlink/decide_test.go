package controllerlink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// decide is the controller on a node: it carries a request out if the node leads. Called with mu held.
func (c *cluster) decide(node metadata.NodeID, message protocol.Message, version int16) protocol.Message {
	code := c.refuse[message.Key()]
	if c.leader.node != node {
		code = protocol.NotController
	}
	var response protocol.Message
	switch r := message.(type) {
	case *protocol.ApiVersionsRequest:
		hello := protocol.NewApiVersionsResponse()
		hello.FinalizedFeaturesEpoch = int64(c.offset)
		return hello
	case *protocol.CreateTopicsRequest:
		response = c.createTopics(node, r, version, code)
	case *protocol.BrokerRegistrationRequest:
		response = c.register(node, r, code)
	case *protocol.BrokerHeartbeatRequest:
		response = c.heartbeat(node, r, code)
	case *protocol.AlterPartitionRequest:
		response = c.alterPartition(node, r, version, code)
	case *protocol.AllocateProducerIDsRequest:
		ids := protocol.NewAllocateProducerIDsResponse()
		if ids.ErrorCode = code; code == protocol.None {
			ids.ProducerIDStart, ids.ProducerIDLen = c.producers, 1000
			c.producers += 1000
			c.commit()
		}
		c.note("node %d: AllocateProducerIds epoch=%d -> %v", node, r.BrokerEpoch, code)
		response = ids
	default:
		c.t.Errorf("a request that nobody expects: %T", r)
	}
	return response
}

// commit adds an entry to the metadata log.
func (c *cluster) commit() record.Offset {
	c.offset++
	c.follow()
	return c.offset
}

func (c *cluster) createTopics(node metadata.NodeID, r *protocol.CreateTopicsRequest, version int16, code protocol.Code) protocol.Message {
	response := protocol.NewCreateTopicsResponse()
	for _, topic := range r.Topics {
		result := protocol.NewCreateTopicsResponseCreatableTopicResult()
		result.Name, result.ErrorCode = topic.Name, code
		if code == protocol.None {
			t := c.topics[topic.Name]
			if t.times++; t.times > 1 {
				result.ErrorCode = protocol.TopicAlreadyExists
			} else {
				t.offset = c.commit()
			}
			c.topics[topic.Name] = t
		}
		c.note("node %d: CreateTopics v%d %s -> %v", node, version, topic.Name, result.ErrorCode)
		response.Topics = append(response.Topics, result)
	}
	return response
}

func (c *cluster) register(node metadata.NodeID, r *protocol.BrokerRegistrationRequest, code protocol.Code) protocol.Message {
	response := protocol.NewBrokerRegistrationResponse()
	response.ErrorCode = code
	if code == protocol.None {
		b := c.brokers[r.BrokerID]
		if b == nil || b.incarnation != r.IncarnationID {
			offset := c.offset + 1
			b = &broker{incarnation: r.IncarnationID, epoch: int64(offset), offset: offset, fenced: true}
			c.brokers[r.BrokerID] = b
			c.commit()
		}
		response.BrokerEpoch = b.epoch
	}
	c.note("node %d: BrokerRegistration cluster=%s rack=%s listeners=%d dirs=%d previous=%d -> %v", node, r.ClusterID, *r.Rack,
		len(r.Listeners), len(r.LogDirs), r.PreviousBrokerEpoch, code)
	return response
}

func (c *cluster) heartbeat(node metadata.NodeID, r *protocol.BrokerHeartbeatRequest, code protocol.Code) protocol.Message {
	response := protocol.NewBrokerHeartbeatResponse()
	b := c.brokers[r.BrokerID]
	if b == nil && code == protocol.None {
		code = protocol.BrokerIDNotRegistered
	}
	if code == protocol.None && b.epoch != r.BrokerEpoch {
		code = protocol.StaleBrokerEpoch
	}
	if response.ErrorCode = code; code == protocol.None {
		response.IsCaughtUp = record.Offset(r.CurrentMetadataOffset) >= b.offset
		switch {
		case r.WantShutDown:
			c.leads--
			b.fenced = b.fenced || c.leads <= 0
			response.ShouldShutDown = b.fenced
		case b.fenced && response.IsCaughtUp:
			b.fenced = false
		}
		response.IsFenced = b.fenced
	}
	words := fmt.Sprintf("node %d: BrokerHeartbeat epoch=%d offset=%d", node, r.BrokerEpoch, r.CurrentMetadataOffset)
	if len(r.OfflineLogDirs) > 0 {
		words += fmt.Sprintf(" offline=%d", len(r.OfflineLogDirs))
	}
	if r.WantShutDown {
		words += " want shutdown"
	}
	c.note("%s -> %v fenced=%v should shutdown=%v", words, code, response.IsFenced, response.ShouldShutDown)
	return response
}

func (c *cluster) alterPartition(node metadata.NodeID, r *protocol.AlterPartitionRequest, version int16, code protocol.Code) protocol.Message {
	response := protocol.NewAlterPartitionResponse()
	if b := c.brokers[r.BrokerID]; code == protocol.None && (b == nil || b.epoch != r.BrokerEpoch) {
		code = protocol.StaleBrokerEpoch
	}
	response.ErrorCode = code
	var words []string
	for _, topic := range r.Topics {
		answers := protocol.NewAlterPartitionResponseTopicData()
		answers.TopicID = topic.TopicID
		for _, p := range topic.Partitions {
			key := partitionKey{topic.TopicID, p.PartitionIndex}
			words = append(words, fmt.Sprintf("%d-%d@%d%v", topic.TopicID[0], p.PartitionIndex, p.PartitionEpoch, p.NewIsrWithEpochs))
			if code == protocol.None {
				answers.Partitions = append(answers.Partitions, c.alter(key, p))
			}
		}
		response.Topics = append(response.Topics, answers)
	}
	c.note("node %d: AlterPartition v%d epoch=%d %s -> %v", node, version, r.BrokerEpoch, strings.Join(words, " "), code)
	return response
}

// alter changes a partition if its epoch is the one that the leader knows.
func (c *cluster) alter(key partitionKey, p protocol.AlterPartitionRequestPartitionData) protocol.AlterPartitionResponsePartitionData {
	answer := protocol.NewAlterPartitionResponsePartitionData()
	answer.PartitionIndex = key.partition
	state := c.isrs[key]
	switch {
	case state == nil:
		answer.ErrorCode = protocol.UnknownTopicID
	case int32(state.Epoch) != p.PartitionEpoch:
		answer.ErrorCode = protocol.InvalidUpdateVersion
	default:
		state.Epoch++
		state.ISR = nil
		for _, m := range p.NewIsrWithEpochs {
			state.ISR = append(state.ISR, metadata.NodeID(m.BrokerID))
		}
		c.commit()
		answer.LeaderID, answer.LeaderEpoch, answer.PartitionEpoch = int32(state.Leader), int32(state.LeaderEpoch), int32(state.Epoch)
		answer.Isr = metadata.Int32s(slices.Clone(state.ISR))
		answer.LeaderRecoveryState = p.LeaderRecoveryState
	}
	return answer
}
