package api

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// OffsetForLeaderEpoch (23), versions 2 to 4: the end of a leader epoch in this node's log, by which a client or a
// follower finds out that its own log went another way (KIP-101, KIP-279, KIP-320).
func (n *Node) offsetForLeaderEpoch(c *Call) {
	request := c.Request.(*protocol.OffsetForLeaderEpochRequest)
	response := protocol.NewOffsetForLeaderEpochResponse()
	for i := range request.Topics {
		topic := &request.Topics[i]
		answer := protocol.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: topic.Topic}
		for j := range topic.Partitions {
			asked := &topic.Partitions[j]
			var end protocol.OffsetForLeaderEpochResponseEpochEndOffset
			end.Default()
			end.Partition = asked.Partition
			end.ErrorCode = n.fail(c, n.epochEnd(topic.Topic, asked, &end))
			answer.Partitions = append(answer.Partitions, end)
		}
		response.Topics = append(response.Topics, answer)
	}
	c.Reply(response)
}

func (n *Node) epochEnd(topic string, asked *protocol.OffsetForLeaderEpochRequestOffsetForLeaderPartition,
	end *protocol.OffsetForLeaderEpochResponseEpochEndOffset) error {
	hosted, err := n.hosted(false, topic, protocol.UUID{}, asked.Partition)
	if err != nil {
		return err
	}
	if err := hosted.CheckEpoch(record.LeaderEpoch(asked.CurrentLeaderEpoch)); err != nil {
		return err
	}
	if epoch, offset, known := hosted.EpochEnd(record.LeaderEpoch(asked.LeaderEpoch)); known {
		end.LeaderEpoch, end.EndOffset = int32(epoch), int64(offset)
	}
	return nil
}
