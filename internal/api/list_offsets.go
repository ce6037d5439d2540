package api

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// ListOffsets (2), versions 1 to 11: the first committed record at or after a timestamp, or what a special timestamp
// names: latest -1, earliest -2, from 7 on the one with the greatest timestamp -3 (KIP-734), from 8 on the earliest
// here -4 (KIP-405), from 9 on the latest in tiered storage -5 (KIP-1005), from 11 on the earliest not yet uploaded -6.
// An asked offset that does not exist is -1 without an error.
func (n *Node) listOffsets(c *Call) {
	request := c.Request.(*protocol.ListOffsetsRequest)
	response := protocol.NewListOffsetsResponse()
	response.Topics = make([]protocol.ListOffsetsResponseTopicResponse, len(request.Topics))
	times := map[fetchKey]int{}
	for i := range request.Topics {
		for j := range request.Topics[i].Partitions {
			times[fetchKey{topic: request.Topics[i].Name, partition: request.Topics[i].Partitions[j].PartitionIndex}]++
		}
	}
	for i := range request.Topics {
		topic := &request.Topics[i]
		answers := make([]protocol.ListOffsetsResponsePartitionResponse, 0, len(topic.Partitions))
		for j := range topic.Partitions {
			asked := &topic.Partitions[j]
			key := fetchKey{topic: topic.Name, partition: asked.PartitionIndex}
			often := times[key]
			if often == 0 {
				continue // asked for before, and refused
			}
			times[key] = 0
			answers = append(answers, n.listedOffset(c, topic.Name, asked, often))
		}
		response.Topics[i].Name, response.Topics[i].Partitions = topic.Name, answers
	}
	c.Reply(response)
}

// listedOffset answers for one partition that was asked for so many times: more than once is an error, said once.
func (n *Node) listedOffset(c *Call, topic string, asked *protocol.ListOffsetsRequestPartition, times int) protocol.ListOffsetsResponsePartitionResponse {
	answer := protocol.NewListOffsetsResponsePartitionResponse()
	answer.PartitionIndex = asked.PartitionIndex
	var err error
	if times > 1 {
		err = protocol.Fail(protocol.InvalidRequest, "%s-%d is asked for %d times in one request", topic, asked.PartitionIndex, times)
	} else {
		err = n.listOffset(c.Version, topic, asked, &answer)
	}
	answer.ErrorCode = n.fail(c, err)
	return answer
}

// minimal version of ListOffsets that knows a special timestamp
var specialTimestampSince = map[int64]int16{-3: 7, -4: 8, -5: 9, -6: 11}

func (n *Node) listOffset(version int16, topic string, asked *protocol.ListOffsetsRequestPartition,
	answer *protocol.ListOffsetsResponsePartitionResponse) error {
	if since, special := specialTimestampSince[asked.Timestamp]; special && version < since {
		return protocol.Fail(protocol.UnsupportedVersion, "timestamp %d needs ListOffsets version %d", asked.Timestamp, since)
	}
	hosted, err := n.hosted(false, topic, protocol.UUID{}, asked.PartitionIndex)
	if err != nil {
		return err
	}
	if err := hosted.CheckEpoch(record.LeaderEpoch(asked.CurrentLeaderEpoch)); err != nil {
		return err
	}
	found, err := hosted.Find(asked.Timestamp)
	if err != nil {
		return err
	}
	answer.Offset, answer.Timestamp, answer.LeaderEpoch = int64(found.Offset), found.Timestamp, int32(found.Epoch)
	return nil
}
