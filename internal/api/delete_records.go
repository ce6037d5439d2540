package api

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// DeleteRecords (21), versions 0 to 2: moves a partition's log start up to an offset, -1 meaning the high watermark.
func (n *Node) deleteRecords(c *Call) {
	request := c.Request.(*protocol.DeleteRecordsRequest)
	response := protocol.NewDeleteRecordsResponse()
	for i := range request.Topics {
		topic := &request.Topics[i]
		answer := protocol.DeleteRecordsResponseTopicResult{Name: topic.Name}
		for j := range topic.Partitions {
			asked := &topic.Partitions[j]
			result := protocol.DeleteRecordsResponsePartitionResult{PartitionIndex: asked.PartitionIndex}
			low, err := n.deleteBefore(topic.Name, asked.PartitionIndex, record.Offset(asked.Offset))
			result.ErrorCode = n.fail(c, err)
			result.LowWatermark = int64(low)
			answer.Partitions = append(answer.Partitions, result)
		}
		response.Topics = append(response.Topics, answer)
	}
	c.Reply(response)
}

func (n *Node) deleteBefore(topic string, index int32, before record.Offset) (record.Offset, error) {
	if n.internalTopic(topic) {
		return -1, protocol.Fail(protocol.InvalidTopicException, "records of the internal topic %s cannot be deleted", topic)
	}
	hosted, err := n.hosted(false, topic, protocol.UUID{}, index)
	if err != nil {
		return -1, err
	}
	if !hosted.Log().Config().Delete {
		return -1, protocol.Fail(protocol.PolicyViolation, "records of %s cannot be deleted: its cleanup.policy is not delete", topic)
	}
	return hosted.DeleteRecords(before)
}
