package api

import (
	"math"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// OffsetCommit (8), versions 2 to 10. Retention in 2 to 4, leader epochs from 6 on (KIP-320), static members from 7 on,
// topic ids in 10 (KIP-848). Topics and partitions that do not exist are answered one by one; the rest goes to the
// coordinator and is answered when it is committed.

// offsetCommitCall remembers where in the response the coordinator's partitions stand.
type offsetCommitCall struct {
	node     *Node
	call     *Call
	response *protocol.OffsetCommitResponse
	commit   group.CommitRequest
	places   [][]*protocol.OffsetCommitResponsePartition // parallel to commit.Topics and their Partitions
}

func (n *Node) offsetCommit(c *Call) {
	request := c.Request.(*protocol.OffsetCommitRequest)
	o := &offsetCommitCall{node: n, call: c, response: protocol.NewOffsetCommitResponse()}
	o.commit = group.CommitRequest{
		GroupID:             request.GroupID,
		MemberID:            request.MemberID,
		InstanceID:          text(request.GroupInstanceID),
		Generation:          request.GenerationIDOrMemberEpoch,
		Retention:           retention(request.RetentionTimeMs),
		ReportsUnknownGroup: c.Version >= 9,
	}
	o.response.Topics = make([]protocol.OffsetCommitResponseTopic, len(request.Topics))
	image := n.Image()
	for i := range request.Topics {
		o.topic(image, &request.Topics[i], &o.response.Topics[i])
	}
	c.ReleaseFrame()
	if len(o.commit.Topics) == 0 && len(request.Topics) > 0 {
		c.Reply(o.response) // nothing that exists: the coordinator is not asked, as in Kafka
		return
	}
	n.Groups.CommitOffsets(o.commit, o.finish)
}

// retention is how long an offset is kept, negative for as long as the broker says. A time that no Duration holds is
// as good as the longest that one does.
func retention(ms int64) time.Duration {
	if ms < 0 {
		return -1
	}
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// topic takes one topic of the request to the coordinator, as far as it exists.
func (o *offsetCommitCall) topic(image *metadata.Image, asked *protocol.OffsetCommitRequestTopic, answer *protocol.OffsetCommitResponseTopic) {
	answer.Name, answer.TopicID = asked.Name, asked.TopicID
	answer.Partitions = make([]protocol.OffsetCommitResponsePartition, len(asked.Partitions))
	var topic *metadata.Topic
	var missing error
	if o.call.Version >= 10 {
		if topic = image.TopicByID(asked.TopicID); topic == nil {
			missing = protocol.Fail(protocol.UnknownTopicID, "no topic has the id %s", asked.TopicID)
		}
	} else if topic = image.Topic(asked.Name); topic == nil {
		missing = protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic %q", asked.Name)
	}
	var commit group.CommitTopic
	if topic != nil {
		commit.Name = topic.Name
		if o.call.Version >= 10 {
			commit.ID = topic.ID
		}
	}
	var places []*protocol.OffsetCommitResponsePartition
	for i := range asked.Partitions {
		p := &asked.Partitions[i]
		answer.Partitions[i].PartitionIndex = p.PartitionIndex
		err := missing
		if topic != nil && topic.Partition(p.PartitionIndex) == nil {
			err = protocol.Fail(protocol.UnknownTopicOrPartition, "topic %s has %d partitions, no partition %d", topic.Name, topic.Len(), p.PartitionIndex)
		}
		if err != nil {
			answer.Partitions[i].ErrorCode = o.node.fail(o.call, err)
			continue
		}
		commit.Partitions = append(commit.Partitions, group.CommitPartition{
			Partition: p.PartitionIndex, Offset: record.Offset(p.CommittedOffset), LeaderEpoch: record.LeaderEpoch(p.CommittedLeaderEpoch),
			Metadata: text(p.CommittedMetadata), CommitTime: group.NoInstant})
		places = append(places, &answer.Partitions[i])
	}
	if len(commit.Partitions) > 0 {
		o.commit.Topics = append(o.commit.Topics, commit)
		o.places = append(o.places, places)
	}
}

func (o *offsetCommitCall) finish(reply group.CommitReply) {
	if reply.Err != nil {
		code := o.node.fail(o.call, reply.Err)
		for _, places := range o.places {
			for _, place := range places {
				place.ErrorCode = code
			}
		}
	}
	for _, refused := range reply.Refused {
		o.places[refused.Topic][refused.Partition].ErrorCode = o.node.fail(o.call, refused.Err)
	}
	o.call.Reply(o.response)
}
