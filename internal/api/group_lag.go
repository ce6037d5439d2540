package api

import (
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// DescribeGroupLag (0x4003), version 0, skein's own: how far a group is behind in each partition, in records and in time.
// The commits are read first and the ends of each partition after them, so that what a consumer has read and committed is
// never above the end. The coordinator answers the ends of the partitions that it leads itself, and of the others who leads
// them; their leaders are asked the same without a group, with the offsets that the coordinator told.
func (n *Node) describeGroupLag(c *Call) {
	request := c.Request.(*protocol.DescribeGroupLagRequest)
	response := protocol.NewDescribeGroupLagResponse()
	response.NodeID = int32(n.Self)
	response.Topics = []protocol.DescribeGroupLagResponseTopic{}
	e := &endsReader{node: n, call: c, times: request.Times}
	c.OnEnding(func() { e.ended.Store(true) })
	switch named := namedPartitions(request.Topics); {
	case named > lagPartitionsMax:
		response.ErrorCode, response.ErrorMessage = n.failText(c, protocol.Fail(protocol.InvalidRequest,
			"%d partitions are asked for; it is at most %d in one request", named, lagPartitionsMax))
		c.Reply(response)
	case request.GroupID == nil:
		response.Topics = askedCommits(request.Topics)
		go e.finish(response)
	case len(request.Topics) > 0:
		response.ErrorCode, response.ErrorMessage = n.failText(c, protocol.Fail(protocol.InvalidRequest, "a group and topics are asked for at once"))
		c.Reply(response)
	default:
		n.Groups.Inspect(*request.GroupID, func(reply group.InspectReply) {
			response.State, response.ProtocolType = reply.State, reply.ProtocolType
			if reply.Err != nil {
				response.ErrorCode, response.ErrorMessage = n.failText(c, reply.Err)
				c.Reply(response)
				return
			}
			response.CommitsReadAtMs = int64(reply.At)
			for i := range reply.Topics {
				response.Topics = append(response.Topics, inspectedCommits(&reply.Topics[i]))
			}
			go e.finish(response) // it may read files, for which the coordinator's loop does not wait
		})
	}
}

// lagPartitionsMax bounds the partitions that a client may name in one request: each makes an answer of some hundred bytes.
const lagPartitionsMax = 100_000

func namedPartitions(topics []protocol.DescribeGroupLagRequestTopic) (n int) {
	for i := range topics {
		n += len(topics[i].Partitions)
	}
	return n
}

// askedCommits repeats what a client says was committed. A partition that is asked for again is answered once.
func askedCommits(topics []protocol.DescribeGroupLagRequestTopic) []protocol.DescribeGroupLagResponseTopic {
	seen := map[fetchKey]bool{}
	answers := make([]protocol.DescribeGroupLagResponseTopic, 0, len(topics))
	for i := range topics {
		t := protocol.DescribeGroupLagResponseTopic{Name: topics[i].Name}
		for _, asked := range topics[i].Partitions {
			key := fetchKey{topic: t.Name, partition: asked.PartitionIndex}
			if seen[key] {
				continue
			}
			seen[key] = true
			p := protocol.NewDescribeGroupLagResponsePartition()
			p.PartitionIndex, p.TopicID, p.CommittedOffset = asked.PartitionIndex, asked.TopicID, asked.CommittedOffset
			t.Partitions = append(t.Partitions, p)
		}
		answers = append(answers, t)
	}
	return answers
}

func inspectedCommits(topic *group.InspectedTopic) protocol.DescribeGroupLagResponseTopic {
	t := protocol.DescribeGroupLagResponseTopic{Name: topic.Name, Partitions: make([]protocol.DescribeGroupLagResponsePartition, len(topic.Partitions))}
	for i := range topic.Partitions {
		from, p := &topic.Partitions[i], &t.Partitions[i]
		p.Default()
		p.PartitionIndex, p.TopicID = from.Partition, from.TopicID
		p.CommittedOffset, p.CommittedLeaderEpoch, p.Metadata = int64(from.Offset), int32(from.LeaderEpoch), from.Metadata
		p.CommitTimestampMs, p.ExpiryTimestampMs, p.MemberID = int64(from.CommitTime), int64(from.Expiry), orNull(from.MemberID)
	}
	return t
}

// endsReader completes one answer with the ends of the partitions.
type endsReader struct {
	node  *Node
	call  *Call
	times bool
	ended atomic.Bool // nobody is there any more to read the answer
}

func (e *endsReader) finish(response *protocol.DescribeGroupLagResponse) {
	for i := range response.Topics {
		t := &response.Topics[i]
		for j := range t.Partitions {
			if e.ended.Load() {
				break
			}
			p := &t.Partitions[j]
			p.ErrorCode, p.ErrorMessage = e.node.failText(e.call, e.read(t.Name, p))
		}
	}
	e.call.Reply(response)
}

// read fills in the ends of a partition and what follows from them.
func (e *endsReader) read(topic string, p *protocol.DescribeGroupLagResponsePartition) error {
	n := e.node
	image := n.Image()
	if known := image.Topic(topic); known != nil {
		if p.TopicID != (protocol.UUID{}) && p.TopicID != known.ID {
			return protocol.Fail(protocol.UnknownTopicID,
				"topic %s was deleted and made anew since offset %d was committed, which therefore counts for nothing", topic, p.CommittedOffset)
		}
		if placed := known.Partition(p.PartitionIndex); placed != nil {
			p.LeaderID, p.LeaderEpoch = int32(placed.Leader), int32(placed.LeaderEpoch)
		}
	}
	hosted, err := n.hosted(false, topic, protocol.UUID{}, p.PartitionIndex)
	if err != nil {
		return err
	}
	if err := hosted.CheckEpoch(record.NoLeaderEpoch); err != nil {
		return err
	}
	p.EndsReadAtMs = n.Now().UnixMilli()
	// In this order each is at least what was read before it, for all of them only grow.
	start := hosted.LogStart()
	highWatermark := hosted.HighWatermark()
	end := hosted.LogEnd()
	p.LogStartOffset, p.HighWatermark, p.LastStableOffset, p.LogEndOffset = int64(start), int64(highWatermark), int64(highWatermark), int64(end)
	if e.times {
		if err := lagTimes(hosted, p); err != nil {
			return err
		}
	}
	ends := group.Ends{LogStart: start, HighWatermark: highWatermark}
	lag, known := group.LagWithout(ends)
	if p.CommittedOffset >= 0 {
		lag, known = group.LagOf(record.Offset(p.CommittedOffset), ends), true
	}
	if !known {
		return nil
	}
	p.Lag, p.Lost, p.Beyond = lag.Records, lag.Lost, lag.Beyond
	switch {
	case lag.Records == 0:
		p.LagMs = 0
	case p.NextTimestampMs >= 0:
		p.LagMs = group.LagMs(group.Instant(p.EndsReadAtMs), group.Instant(p.NextTimestampMs))
	}
	return nil
}

// lagTimes reads the timestamps of the first record that is not consumed and of the last committed batch.
func lagTimes(hosted *partition.Partition, p *protocol.DescribeGroupLagResponsePartition) error {
	highWatermark := record.Offset(p.HighWatermark)
	if p.CommittedOffset >= 0 && p.CommittedOffset < p.HighWatermark {
		next, ok, err := hosted.Log().RecordAt(record.Offset(p.CommittedOffset), highWatermark)
		if err != nil {
			return err
		}
		if ok {
			p.NextTimestampMs = next.Timestamp
		}
	}
	if p.HighWatermark > p.LogStartOffset {
		last, ok, err := hosted.Log().BatchTime(highWatermark - 1)
		if err != nil {
			return err
		}
		if ok {
			p.LastTimestampMs = last
		}
	}
	return nil
}
