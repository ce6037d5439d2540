package api

import (
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// ReplicaDurableEnds (0x4005, skein's own), version 0: a follower tells a leader up to where it holds partitions durably,
// once for each round of its Syncer. The high watermark is the least of these ends. What is answered with an error does
// not count; the follower tells it again when it has fetched. It overlaps the requests before it: a fetch that is held in
// the same connection must not hold it.
//
// Without a partition it says that the follower has partitions to name in its next fetch: those of its fetches that are held
// are answered.
func (n *Node) replicaDurableEnds(c *Call) {
	request := c.Request.(*protocol.ReplicaDurableEndsRequest)
	response := protocol.NewReplicaDurableEndsResponse()
	follower, err := n.follower(c, request.ReplicaID, request.ReplicaEpoch)
	if err != nil {
		response.ErrorCode, response.ErrorMessage = n.failText(c, err)
		c.Reply(response)
		return
	}
	if len(request.Topics) == 0 {
		n.held.answer(follower.Node)
	}
	for i := range request.Topics {
		topic := &request.Topics[i]
		refused := protocol.ReplicaDurableEndsResponseTopic{TopicID: topic.TopicID}
		for _, p := range topic.Partitions {
			if err := n.durableEnd(follower, topic.TopicID, p); err != nil {
				refused.Partitions = append(refused.Partitions, protocol.ReplicaDurableEndsResponsePartition{
					PartitionIndex: p.PartitionIndex, ErrorCode: n.fail(c, err)})
			}
		}
		if len(refused.Partitions) > 0 {
			response.Topics = append(response.Topics, refused)
		}
	}
	c.Reply(response)
}

func (n *Node) durableEnd(follower *partition.Follower, topic protocol.UUID, p protocol.ReplicaDurableEndsRequestPartition) error {
	hosted, err := n.hosted(true, "", topic, p.PartitionIndex)
	if err != nil {
		return err
	}
	return hosted.FollowerDurable(*follower, record.LeaderEpoch(p.LeaderEpoch), record.Offset(p.DurableEndOffset))
}
