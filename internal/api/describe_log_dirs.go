package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeLogDirs (35), versions 1 to 5: sizes of the partitions in the log directory, from 4 on its room (KIP-827).
// No topics in the request means all.
func (n *Node) describeLogDirs(c *Call) {
	request := c.Request.(*protocol.DescribeLogDirsRequest)
	response := protocol.NewDescribeLogDirsResponse()
	result := protocol.NewDescribeLogDirsResponseResult()
	result.LogDir = n.LogDir
	result.Topics = []protocol.DescribeLogDirsResponseTopic{}
	space, err := n.Partitions.Space()
	if err != nil {
		result.ErrorCode = n.fail(c, protocol.Fail(protocol.KafkaStorageError, "log directory %s: %w", n.LogDir, err))
	} else {
		result.TotalBytes, result.UsableBytes = int64(space.Total), int64(space.Free)
	}
	asked := askedLogs(request)
	for _, p := range n.Partitions.All() {
		if asked != nil && !asked[p.Name] {
			continue
		}
		last := len(result.Topics) - 1
		if last < 0 || result.Topics[last].Name != p.Name.Topic {
			result.Topics = append(result.Topics, protocol.DescribeLogDirsResponseTopic{Name: p.Name.Topic})
			last++
		}
		result.Topics[last].Partitions = append(result.Topics[last].Partitions, protocol.DescribeLogDirsResponsePartition{
			PartitionIndex: p.Name.Partition, PartitionSize: p.Log().Size(), OffsetLag: 0})
	}
	response.Results = append(response.Results, result)
	c.Reply(response)
}

// askedLogs is what the request names, nil for everything.
func askedLogs(request *protocol.DescribeLogDirsRequest) map[metadata.TopicPartition]bool {
	if request.Topics == nil {
		return nil
	}
	asked := map[metadata.TopicPartition]bool{}
	for i := range request.Topics {
		for _, index := range request.Topics[i].Partitions {
			asked[metadata.TopicPartition{Topic: request.Topics[i].Topic, Partition: index}] = true
		}
	}
	return asked
}
