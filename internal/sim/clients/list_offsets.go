package clients

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// list asks ListOffsets about every partition that one broker leads, which it chooses. found has those that were answered.
func (c *Client) list(timestamp int64, found func(map[int32]record.Offset)) {
	broker := c.leader(check.Partition{Topic: c.World.Topic, Index: int32(c.rand.IntN(c.World.Partitions))})
	q := protocol.NewListOffsetsRequest()
	topic := protocol.ListOffsetsRequestTopic{Name: c.World.Topic}
	for index := range int32(c.World.Partitions) {
		if c.leader(check.Partition{Topic: c.World.Topic, Index: index}) == broker {
			topic.Partitions = append(topic.Partitions, protocol.ListOffsetsRequestPartition{PartitionIndex: index, CurrentLeaderEpoch: -1, Timestamp: timestamp})
		}
	}
	q.Topics = []protocol.ListOffsetsRequestTopic{topic}
	c.ask(broker, q, RequestTimeout, func(m protocol.Message, err error) {
		offsets := map[int32]record.Offset{}
		for _, p := range topic.Partitions {
			if err != nil {
				c.misled(check.Partition{Topic: topic.Name, Index: p.PartitionIndex}, protocol.None, err)
			}
		}
		if err == nil {
			for _, p := range m.(*protocol.ListOffsetsResponse).Topics[0].Partitions {
				c.misled(check.Partition{Topic: topic.Name, Index: p.PartitionIndex}, p.ErrorCode, nil)
				if p.ErrorCode == protocol.None {
					offsets[p.PartitionIndex] = record.Offset(p.Offset)
				}
			}
		}
		found(offsets)
	})
}
