package api

import (
	"slices"
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// OffsetFetch (9), versions 1 to 10. All topics with null from 2 on, leader epochs from 5 on, RequireStable from 7 on
// (KIP-447), many groups from 8 on (KIP-709), member epochs in 9 (KIP-848), topic ids in 10. A group that does not
// exist, and a partition without a commit, is offset -1 and no error.
func (n *Node) offsetFetch(c *Call) {
	request := c.Request.(*protocol.OffsetFetchRequest)
	if c.Version < 8 {
		n.offsetFetchOne(c, request)
		return
	}
	groups := wholeOnce(request.Groups)
	response := protocol.NewOffsetFetchResponse()
	response.Groups = make([]protocol.OffsetFetchResponseGroup, len(groups))
	if len(groups) == 0 {
		c.Reply(response)
		return
	}
	image := n.Image()
	var waiting atomic.Int32
	waiting.Store(int32(len(groups)))
	for i := range groups {
		asked, answer := &groups[i], &response.Groups[i]
		answer.GroupID = asked.GroupID
		fetch, unknown := fetchRequest(c.Version, image, asked, request.RequireStable)
		n.Groups.FetchOffsets(fetch, func(reply group.FetchReply) {
			answer.ErrorCode = n.fail(c, reply.Err)
			answer.Topics = n.fetchedTopics(c, image, reply, unknown)
			if waiting.Add(-1) == 0 {
				c.Reply(response)
			}
		})
	}
}

// wholeOnce leaves out a group whose offsets are asked for altogether a second time: what a few bytes ask for must not
// be told again and again.
func wholeOnce(groups []protocol.OffsetFetchRequestGroup) []protocol.OffsetFetchRequestGroup {
	seen := map[string]bool{}
	return slices.DeleteFunc(groups, func(g protocol.OffsetFetchRequestGroup) bool {
		if g.Topics != nil {
			return false
		}
		again := seen[g.GroupID]
		seen[g.GroupID] = true
		return again
	})
}

// fetchRequest translates one group of the request; unknown are the topics of it whose id nothing has.
func fetchRequest(version int16, image *metadata.Image, asked *protocol.OffsetFetchRequestGroup, stable bool) (
	fetch group.FetchRequest, unknown []protocol.OffsetFetchRequestTopics) {
	fetch = group.FetchRequest{GroupID: asked.GroupID, All: asked.Topics == nil, RequireStable: stable}
	for _, t := range asked.Topics {
		topic := group.FetchTopic{Name: t.Name, Partitions: t.PartitionIndexes}
		if version >= 10 {
			known := image.TopicByID(t.TopicID)
			if known == nil {
				unknown = append(unknown, t)
				continue
			}
			topic.Name, topic.ID = known.Name, known.ID
		}
		fetch.Topics = append(fetch.Topics, topic)
	}
	return fetch, unknown
}

func (n *Node) fetchedTopics(c *Call, image *metadata.Image, reply group.FetchReply, unknown []protocol.OffsetFetchRequestTopics) []protocol.OffsetFetchResponseTopics {
	topics := []protocol.OffsetFetchResponseTopics{}
	if reply.Err != nil {
		return topics
	}
	for _, t := range reply.Topics {
		topic := protocol.OffsetFetchResponseTopics{Name: t.Name, TopicID: t.ID}
		if c.Version >= 10 && topic.TopicID == (protocol.UUID{}) { // all topics were asked for
			known := image.Topic(t.Name)
			if known == nil {
				continue
			}
			topic.TopicID = known.ID
		}
		for i := range t.Partitions {
			p := &t.Partitions[i]
			topic.Partitions = append(topic.Partitions, protocol.OffsetFetchResponsePartitions{PartitionIndex: p.Partition,
				CommittedOffset: int64(p.Offset), CommittedLeaderEpoch: int32(p.LeaderEpoch), Metadata: &p.Metadata})
		}
		topics = append(topics, topic)
	}
	for _, t := range unknown {
		code := n.fail(c, protocol.Fail(protocol.UnknownTopicID, "no topic has the id %s", t.TopicID))
		topic := protocol.OffsetFetchResponseTopics{TopicID: t.TopicID}
		for _, index := range t.PartitionIndexes {
			none := ""
			topic.Partitions = append(topic.Partitions, protocol.OffsetFetchResponsePartitions{PartitionIndex: index,
				CommittedOffset: -1, CommittedLeaderEpoch: -1, Metadata: &none, ErrorCode: code})
		}
		topics = append(topics, topic)
	}
	return topics
}

// offsetFetchOne serves the versions with a single group. Version 1 has no place for an error of the group: it stands
// in each partition there.
func (n *Node) offsetFetchOne(c *Call, request *protocol.OffsetFetchRequest) {
	fetch := group.FetchRequest{GroupID: request.GroupID, All: request.Topics == nil, RequireStable: request.RequireStable}
	for _, t := range request.Topics {
		fetch.Topics = append(fetch.Topics, group.FetchTopic{Name: t.Name, Partitions: t.PartitionIndexes})
	}
	n.Groups.FetchOffsets(fetch, func(reply group.FetchReply) {
		response := protocol.NewOffsetFetchResponse()
		response.Topics = []protocol.OffsetFetchResponseTopic{}
		response.ErrorCode = n.fail(c, reply.Err)
		if reply.Err != nil && c.Version < 2 {
			response.Topics = failedOffsets(request, response.ErrorCode)
		}
		for _, t := range reply.Topics {
			topic := protocol.OffsetFetchResponseTopic{Name: t.Name}
			for i := range t.Partitions {
				p := &t.Partitions[i]
				topic.Partitions = append(topic.Partitions, protocol.OffsetFetchResponsePartition{PartitionIndex: p.Partition,
					CommittedOffset: int64(p.Offset), CommittedLeaderEpoch: int32(p.LeaderEpoch), Metadata: &p.Metadata})
			}
			response.Topics = append(response.Topics, topic)
		}
		c.Reply(response)
	})
}

func failedOffsets(request *protocol.OffsetFetchRequest, code protocol.Code) []protocol.OffsetFetchResponseTopic {
	var topics []protocol.OffsetFetchResponseTopic
	for _, t := range request.Topics {
		topic := protocol.OffsetFetchResponseTopic{Name: t.Name}
		for _, index := range t.PartitionIndexes {
			none := ""
			topic.Partitions = append(topic.Partitions, protocol.OffsetFetchResponsePartition{PartitionIndex: index,
				CommittedOffset: -1, CommittedLeaderEpoch: -1, Metadata: &none, ErrorCode: code})
		}
		topics = append(topics, topic)
	}
	return topics
}
