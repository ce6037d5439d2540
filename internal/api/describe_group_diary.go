package api

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeGroupDiary (0x4002), version 0, skein's own: what happened to a group, for `skein group why`. Entries are the
// bytes of the group's diary in __consumer_offsets, at most 64. The coordinator answers, any other node NOT_COORDINATOR.
func (n *Node) describeGroupDiary(c *Call) {
	request := c.Request.(*protocol.DescribeGroupDiaryRequest)
	n.Groups.Why(request.GroupID, request.IncludeOffsets, func(reply group.WhyReply) {
		response := GroupDiary(&reply)
		if reply.Err != nil {
			response.ErrorCode, response.ErrorMessage = n.failText(c, reply.Err)
		}
		c.Reply(response)
	})
}

// GroupDiary is the answer of DescribeGroupDiary for what a group's coordinator told, or what a replay of its recording
// told. An error is left to the caller.
func GroupDiary(reply *group.WhyReply) *protocol.DescribeGroupDiaryResponse {
	response := protocol.NewDescribeGroupDiaryResponse()
	response.Entries = [][]byte{}
	response.WaitedFor = []protocol.DescribeGroupDiaryResponseWaited{}
	response.Offsets = []protocol.DescribeGroupDiaryResponseTopicOffsets{}
	if reply.Err != nil {
		return response
	}
	response.NowMs, response.State, response.Generation, response.Members = int64(reply.Now), reply.State, reply.Generation, int32(reply.Members)
	response.Entries = append(response.Entries, reply.Entries...)
	response.Since = reply.Since
	for _, w := range reply.WaitedFor {
		response.WaitedFor = append(response.WaitedFor, protocol.DescribeGroupDiaryResponseWaited{MemberID: w.MemberID, InstanceID: w.InstanceID,
			ClientID: w.ClientID, ClientHost: w.ClientHost, Sync: w.Sync, SinceMs: int64(w.Since)})
	}
	response.WaitedForOmitted = int32(reply.WaitedForOmitted)
	response.LastSyncer, response.LastSyncMs = reply.LastSyncer, int64(reply.LastSync)
	for _, o := range reply.Offsets {
		response.Offsets = addOffsetLife(response.Offsets, &o)
	}
	return response
}

// addOffsetLife adds an offset. They come by topic.
func addOffsetLife(topics []protocol.DescribeGroupDiaryResponseTopicOffsets, o *group.OffsetLife) []protocol.DescribeGroupDiaryResponseTopicOffsets {
	if len(topics) == 0 || topics[len(topics)-1].Topic != o.Topic {
		topics = append(topics, protocol.DescribeGroupDiaryResponseTopicOffsets{Topic: o.Topic})
	}
	t := &topics[len(topics)-1]
	t.Partitions = append(t.Partitions, protocol.DescribeGroupDiaryResponsePartitionOffset{Partition: o.Partition, CommittedOffset: int64(o.Offset),
		CommittedMs: int64(o.CommitTime), ExpiresMs: int64(o.ExpireTime)})
	return topics
}
