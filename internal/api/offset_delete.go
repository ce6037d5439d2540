package api

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// OffsetDelete (47), version 0: removes committed offsets of topics to which the group does not subscribe (KIP-496).
func (n *Node) offsetDelete(c *Call) {
	request := c.Request.(*protocol.OffsetDeleteRequest)
	response := protocol.NewOffsetDeleteResponse()
	response.Topics = make([]protocol.OffsetDeleteResponseTopic, len(request.Topics))
	image := n.Image()
	remove := group.DeleteOffsetsRequest{GroupID: request.GroupID}
	for i := range request.Topics {
		asked, answer := &request.Topics[i], &response.Topics[i]
		answer.Name = asked.Name
		answer.Partitions = make([]protocol.OffsetDeleteResponsePartition, len(asked.Partitions))
		known := image.Topic(asked.Name)
		topic := group.FetchTopic{Name: asked.Name}
		for j := range asked.Partitions {
			index := asked.Partitions[j].PartitionIndex
			answer.Partitions[j].PartitionIndex = index
			if known == nil || known.Partition(index) == nil {
				answer.Partitions[j].ErrorCode = n.fail(c, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no partition %s-%d", asked.Name, index))
				continue
			}
			topic.Partitions = append(topic.Partitions, index)
		}
		remove.Topics = append(remove.Topics, topic)
	}
	n.Groups.DeleteOffsets(remove, func(reply group.DeleteOffsetsReply) {
		if reply.Err != nil {
			response.ErrorCode = n.fail(c, reply.Err)
			response.Topics = []protocol.OffsetDeleteResponseTopic{}
			c.Reply(response)
			return
		}
		for i, subscribed := range reply.Subscribed {
			code := n.fail(c, subscribed)
			for j := range response.Topics[i].Partitions {
				if answer := &response.Topics[i].Partitions[j]; answer.ErrorCode == protocol.None {
					answer.ErrorCode = code
				}
			}
		}
		c.Reply(response)
	})
}
