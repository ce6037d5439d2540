package check

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// storageRows are section 2.7: what is in __consumer_offsets, loading and unloading.
func storageRows() []Row {
	return []Row{
		seen("R1", "__consumer_offsets: internal, its number of partitions, compact, producer's compression, 100 MiB segments", offsetsTopicConfig),
		waits("R2", "keys: 1 is a commit's, 2 a group's (that others are skipped on load is hidden)", recordKeys),
		waits("R3", "values of commits and groups are Kafka's, and hold what was said", recordValues),
		hidden("R4", "what a group is after loading", "needs a restart of the broker"),
		hidden("R5", "fresh sessions after loading; a group that is too large rebalances", "needs a restart of the broker"),
		hidden("R6", "parked requests are answered NOT_COORDINATOR on unloading", "needs a change of leader"),
	}
}

func offsetsTopicConfig(p *probe) {
	t := p.metadata(offsetsTopic).Topics[0]
	p.code("Metadata of "+offsetsTopic, t.ErrorCode)
	p.equal("internal", t.IsInternal, true)
	p.equal("partitions", int32(len(t.Partitions)), p.suite.offsetsPartitions())
	p.needs(32, 1)
	found := map[string]string{}
	for _, c := range p.configs(kmsg.ConfigResourceTypeTopic, offsetsTopic) {
		found[c.Name] = text(c.Value)
	}
	p.equal("cleanup.policy", found["cleanup.policy"], "compact")
	p.equal("compression.type", found["compression.type"], "producer")
	segment := p.suite.settings["offsets.topic.segment.bytes"]
	if segment == "" {
		segment = "104857600"
	}
	p.equal("segment.bytes", found["segment.bytes"], segment)
}

// recorded is a group with a member that has committed, and where its records are.
func (p *probe) recorded() (g *group, m *member, partition int32, from int64) {
	g = p.group()
	partition = partitionOf(g.name, p.suite.offsetsPartitions())
	from = p.logEnd(partition)
	m = g.member()
	g.settle(m)
	req := by(m, g.commitRequest(1, 42))
	req.Topics[0].Partitions[0].Metadata = kmsg.StringPtr("some metadata")
	p.code("OffsetCommit", g.commits(p.upTo(8, 8), req))
	return g, m, partition, from
}

func recordKeys(p *probe) {
	g, _, partition, from := p.recorded()
	p.await("both records", func() bool {
		found := map[int16]bool{}
		p.readLog(partition, from, func(key, _ []byte) bool {
			var commit kmsg.OffsetCommitKey
			var of kmsg.GroupMetadataKey
			switch v := version(key); {
			case v <= 1 && commit.ReadFrom(key) == nil && commit.Group == g.name:
				p.equal("topic in the commit's key", commit.Topic, p.suite.topic)
				p.equal("partition in the commit's key", commit.Partition, int32(1))
				found[v] = true
			case v == 2 && of.ReadFrom(key) == nil && of.Group == g.name:
				found[v] = true
			}
			return false
		})
		return found[1] && found[2]
	})
}

func recordValues(p *probe) {
	g, m, partition, from := p.recorded()
	value := p.findCommit(partition, from, g.name, p.suite.topic, 1)
	p.holds(value != nil, "the commit is not in %s", offsetsTopic)
	var commit kmsg.OffsetCommitValue
	p.holds(version(value) <= 4 && commit.ReadFrom(value) == nil, "the commit's value, version %d, cannot be read", version(value))
	p.equal("offset", commit.Offset, int64(42))
	p.equal("metadata", commit.Metadata, "some metadata")
	value = p.findGroup(partition, from, g.name)
	p.holds(value != nil, "the group is not in %s", offsetsTopic)
	var stored kmsg.GroupMetadataValue
	p.holds(version(value) <= 4 && stored.ReadFrom(value) == nil, "the group's value, version %d, cannot be read", version(value))
	p.equal("protocol type", stored.ProtocolType, "consumer")
	p.equal("generation", stored.Generation, m.generation)
	p.equal("protocol", text(stored.Protocol), "x")
	p.equal("leader", text(stored.Leader), m.id)
	p.equal("members", len(stored.Members), 1)
	one := stored.Members[0]
	p.equal("member", one.MemberID, m.id)
	p.equal("client", one.ClientID, clientID)
	p.equal("session timeout", int64(one.SessionTimeoutMillis), m.session.Milliseconds())
	p.equal("rebalance timeout", int64(one.RebalanceTimeoutMillis), m.rebalance.Milliseconds())
	p.equal("metadata of the member", one.Subscription, m.protocols[0].Metadata)
	p.equal("assignment of the member", string(one.Assignment), assignmentOf(0))
}
