package api

import (
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeTopicPartitions (75), version 0 (KIP-966): topics in the order of their names, at most so many partitions in
// one answer, with a cursor where it was cut. No topic in the request means all.
func (n *Node) describeTopicPartitions(c *Call) {
	request := c.Request.(*protocol.DescribeTopicPartitionsRequest)
	response := protocol.NewDescribeTopicPartitionsResponse()
	image := n.Image()
	names, err := describedNames(image, request)
	if err != nil { // the response has no place for it: Kafka closes the connection as well
		c.Close(err.Error())
		return
	}
	left := min(int(request.ResponsePartitionLimit), n.Config().RequestPartitionSizeLimit)
	for _, name := range names {
		from := int32(0)
		if request.Cursor != nil && request.Cursor.TopicName == name {
			from = request.Cursor.PartitionIndex
		}
		if left <= 0 {
			response.NextCursor = &protocol.DescribeTopicPartitionsResponseCursor{TopicName: name, PartitionIndex: from}
			break
		}
		answer, next := n.describePartitions(c, image, name, from, left)
		left -= len(answer.Partitions)
		response.Topics = append(response.Topics, answer)
		if next >= 0 {
			response.NextCursor = &protocol.DescribeTopicPartitionsResponseCursor{TopicName: name, PartitionIndex: next}
			break
		}
	}
	c.Reply(response)
}

// describedNames lists the topics to describe, in order, from the cursor on.
func describedNames(image *metadata.Image, request *protocol.DescribeTopicPartitionsRequest) ([]string, error) {
	var names []string
	for _, asked := range request.Topics {
		names = append(names, asked.Name)
	}
	if len(names) == 0 {
		for topic := range image.Topics() {
			names = append(names, topic.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if request.Cursor == nil {
		return names, nil
	}
	if request.Cursor.PartitionIndex < 0 {
		return nil, protocol.Fail(protocol.InvalidRequest, "the cursor's partition is %d; it is 0 or more", request.Cursor.PartitionIndex)
	}
	at, _ := slices.BinarySearchFunc(names, request.Cursor.TopicName, strings.Compare)
	return names[at:], nil
}

// describePartitions describes at most limit partitions of a topic; next is the first that is left, -1 if none is.
func (n *Node) describePartitions(c *Call, image *metadata.Image, name string, from int32, limit int) (
	answer protocol.DescribeTopicPartitionsResponseTopic, next int32) {
	answer.Default()
	answer.Name, answer.IsInternal, answer.TopicAuthorizedOperations = &name, metadata.InternalTopic(name), topicRights
	answer.Partitions = []protocol.DescribeTopicPartitionsResponsePartition{}
	topic := image.Topic(name)
	if topic == nil {
		err := protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic %q", name)
		if invalid := metadata.CheckTopicName(name); invalid != nil {
			err = protocol.Fail(protocol.InvalidTopicException, "%w", invalid)
		}
		answer.ErrorCode = n.fail(c, err)
		return answer, -1
	}
	answer.TopicID = topic.ID
	for p := range topic.Partitions() {
		if p.Index < from {
			continue
		}
		if len(answer.Partitions) == limit {
			return answer, p.Index
		}
		described := protocol.NewDescribeTopicPartitionsResponsePartition()
		described.PartitionIndex = p.Index
		described.LeaderID, described.LeaderEpoch = int32(p.Leader), int32(p.LeaderEpoch)
		described.ReplicaNodes, described.IsrNodes = metadata.Int32s(p.Replicas), metadata.Int32s(p.ISR)
		described.EligibleLeaderReplicas = orEmpty(metadata.Int32s(p.ELR))
		described.LastKnownElr = orEmpty(metadata.Int32s(p.LastKnownELR))
		described.OfflineReplicas = offline(image, p.Replicas)
		if p.Leader == metadata.NoNode {
			described.ErrorCode = protocol.LeaderNotAvailable
		}
		answer.Partitions = append(answer.Partitions, described)
	}
	return answer, -1
}

func orEmpty(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
