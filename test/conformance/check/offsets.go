package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitRequest commits one offset of a partition of the shared topic, as nobody.
func (g *group) commitRequest(partition int32, offset int64) *kmsg.OffsetCommitRequest {
	return g.commitRequestOf(g.p.suite.topic, g.p.suite.topicID, partition, offset)
}

func (g *group) commitRequestOf(topic string, id [16]byte, partition int32, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation, req.RetentionTimeMillis = g.name, -1, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	one := kmsg.NewOffsetCommitRequestTopicPartition()
	one.Partition, one.Offset, one.LeaderEpoch, one.Metadata = partition, offset, -1, kmsg.StringPtr("")
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	return req
}

// by makes it a member's commit.
func by(m *member, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitRequest {
	req.MemberID, req.Generation, req.InstanceID = m.id, m.generation, m.instanceID()
	return req
}

// commits sends a commit of one partition and returns its error.
func (g *group) commits(version int16, req *kmsg.OffsetCommitRequest) int16 {
	for _, code := range g.commitsAll(version, req) {
		return code
	}
	g.p.miss("OffsetCommit v%d of one partition: none in the answer", version)
	return 0
}

// spot is a partition of a topic. Version 10 does not tell the topic's name.
type spot struct {
	topic     string
	partition int32
}

func (g *group) commitsAll(version int16, req *kmsg.OffsetCommitRequest) map[spot]int16 {
	r := ask[*kmsg.OffsetCommitResponse](g.p, g.addr, version, req)
	codes := map[spot]int16{}
	for i := range r.Topics {
		for _, one := range r.Topics[i].Partitions {
			codes[spot{r.Topics[i].Topic, one.Partition}] = one.ErrorCode
		}
	}
	return codes
}

// commit expects that a commit of nobody's succeeds.
func (g *group) commit(partition int32, offset int64) {
	g.p.code("OffsetCommit", g.commits(g.p.upTo(8, 8), g.commitRequest(partition, offset)))
}

// stored is what OffsetFetch says of a partition.
type stored struct {
	offset   int64
	epoch    int32
	metadata string
	code     int16
}

// none is the answer for a partition without a commit.
var none = stored{offset: -1, epoch: -1}

// fetchOf asks for partitions of a topic, in a version from 5 to 7; of no topic means all that the group has.
func (g *group) fetchOf(version int16, stable bool, topic string, partitions ...int32) map[int32]stored {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = g.name, stable
	if topic != "" {
		t := kmsg.NewOffsetFetchRequestTopic()
		t.Topic, t.Partitions = topic, partitions
		req.Topics = append(req.Topics, t)
	}
	r := ask[*kmsg.OffsetFetchResponse](g.p, g.addr, version, req)
	g.p.code("OffsetFetch", r.ErrorCode)
	found := map[int32]stored{}
	for i := range r.Topics {
		for _, one := range r.Topics[i].Partitions {
			found[one.Partition] = stored{one.Offset, one.LeaderEpoch, text(one.Metadata), one.ErrorCode}
		}
	}
	return found
}

// fetch asks for one partition of the shared topic.
func (g *group) fetch(partition int32) stored {
	return g.fetchOf(g.p.upTo(9, 7), false, g.p.suite.topic, partition)[partition]
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// deleteOffset asks OffsetDelete for one partition. Top is the whole request's error, one that of the partition.
func (g *group) deleteOffset(topic string, partition int32) (top, one int16) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = g.name
	t := kmsg.NewOffsetDeleteRequestTopic()
	t.Topic = topic
	part := kmsg.NewOffsetDeleteRequestTopicPartition()
	part.Partition = partition
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.OffsetDeleteResponse](g.p, g.addr, 0, req)
	if len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 {
		one = r.Topics[0].Partitions[0].ErrorCode
	}
	return r.ErrorCode, one
}

// expiring is a commit of the shared topic with a retention of its own, which versions 2 to 4 can tell.
func (g *group) expiring(partition int32, offset int64, retention time.Duration) *kmsg.OffsetCommitRequest {
	req := g.commitRequest(partition, offset)
	req.RetentionTimeMillis = retention.Milliseconds()
	return req
}

// expiryCheck is how often the broker looks for expired offsets. A row that has to wait for it longer than 15 s is
// skipped, unless the run may be slow.
func (p *probe) expiryCheck() time.Duration {
	every := p.suite.millis("offsets.retention.check.interval.ms", 600000)
	if every > 15*time.Second && !p.suite.options.Slow {
		p.skip("offsets.retention.check.interval.ms is %v here; --slow waits for it", every)
	}
	return every
}
