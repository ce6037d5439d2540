package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeProducers (61), version 0: the idempotent producers that a partition remembers (KIP-664).
func (n *Node) describeProducers(c *Call) {
	request := c.Request.(*protocol.DescribeProducersRequest)
	response := protocol.NewDescribeProducersResponse()
	seen := map[fetchKey]bool{}
	for i := range request.Topics {
		topic := &request.Topics[i]
		answer := protocol.DescribeProducersResponseTopicResponse{Name: topic.Name}
		for _, index := range topic.PartitionIndexes {
			key := fetchKey{topic: topic.Name, partition: index}
			if seen[key] { // it is answered once: a partition may have many producers
				continue
			}
			seen[key] = true
			answer.Partitions = append(answer.Partitions, n.producersOf(c, topic.Name, index))
		}
		response.Topics = append(response.Topics, answer)
	}
	c.Reply(response)
}

func (n *Node) producersOf(c *Call, topic string, index int32) protocol.DescribeProducersResponsePartitionResponse {
	answer := protocol.DescribeProducersResponsePartitionResponse{PartitionIndex: index, ActiveProducers: []protocol.DescribeProducersResponseProducerState{}}
	if err := metadata.CheckTopicName(topic); err != nil {
		answer.ErrorCode, answer.ErrorMessage = n.failText(c, protocol.Fail(protocol.InvalidTopicException, "%w", err))
		return answer
	}
	hosted, err := n.hosted(false, topic, protocol.UUID{}, index)
	if err != nil {
		answer.ErrorCode, answer.ErrorMessage = n.failText(c, err)
		return answer
	}
	for _, p := range hosted.Log().Producers() {
		state := protocol.NewDescribeProducersResponseProducerState()
		state.ProducerID, state.ProducerEpoch = p.ProducerID, int32(p.ProducerEpoch)
		state.LastSequence, state.LastTimestamp = p.LastSequence, p.LastTimestamp
		state.CoordinatorEpoch, state.CurrentTxnStartOffset = p.CoordinatorEpoch, int64(p.CurrentTxnStartOffset)
		answer.ActiveProducers = append(answer.ActiveProducers, state)
	}
	return answer
}
