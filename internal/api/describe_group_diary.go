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
	for i := range reply.Offsets {
		response.Offsets = append(response.Offsets, offsetLives(&reply.Offsets[i]))
	}
	return response
}

// offsetLives are the committed offsets of a topic, and when they expire.
func offsetLives(topic *group.InspectedTopic) protocol.DescribeGroupDiaryResponseTopicOffsets {
	t := protocol.DescribeGroupDiaryResponseTopicOffsets{Topic: topic.Name}
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		t.Partitions = append(t.Partitions, protocol.DescribeGroupDiaryResponsePartitionOffset{Partition: p.Partition, CommittedOffset: int64(p.Offset),
			CommittedMs: int64(p.CommitTime), ExpiresMs: int64(p.Expiry)})
	}
	return t
}
