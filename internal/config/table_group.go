package config

// groupTable is about consumer groups and their offsets.
var groupTable = []Property{
	{Name: "group.heartbeat.hold.enable", Type: Boolean, Default: new("true"), Own: true,
		Doc: "A Heartbeat of a stable group is held until a rebalance starts, so that members learn of it at once and not at their next beat."},
	{Name: "group.initial.rebalance.delay.ms", Type: Int, Default: new("3000"), Bounds: atLeast(0),
		Doc: "How long the first rebalance of an empty group waits for more members."},
	{Name: "group.min.session.timeout.ms", Type: Int, Default: new("6000"), Bounds: atLeast(1),
		Doc: "Shortest session timeout that a member may ask for."},
	{Name: "group.max.session.timeout.ms", Type: Int, Default: new("1800000"), Bounds: atLeast(1),
		Doc: "Longest session timeout that a member may ask for."},
	{Name: "group.max.size", Type: Int, Default: intMax, Bounds: atLeast(1),
		Doc: "Most members of a group."},
	{Name: "offset.metadata.max.bytes", Type: Int, Default: new("4096"), Bounds: atLeast(0),
		Doc: "Longest text that may be committed with an offset."},
	{Name: "offsets.commit.timeout.ms", Type: Int, Default: new("5000"), Bounds: atLeast(1),
		Doc: "How long a commit may wait until it is replicated, before it fails."},
	{Name: "offsets.topic.num.partitions", Type: Int, Default: new("50"), Bounds: atLeast(1),
		Doc: "Partitions of __consumer_offsets when it is created. Never change it afterwards: it decides which broker coordinates a group."},
	{Name: "offsets.topic.replication.factor", Type: Short, Bounds: atLeast(1), Kafka: new("3"),
		Doc: "Replicas of __consumer_offsets when it is created. Where it is not set: 3, or as many as there are brokers, if fewer."},
	{Name: "offsets.topic.segment.bytes", Type: Int, Default: new("104857600"), Bounds: atLeast(1),
		Doc: "Segment size of __consumer_offsets."},
	{Name: "offsets.retention.minutes", Type: Int, Default: new("10080"), Bounds: atLeast(1),
		Doc: "How long the offsets of a group without members are kept."},
	{Name: "offsets.retention.check.interval.ms", Type: Long, Default: new("600000"), Bounds: atLeast(1),
		Doc: "How often expired offsets are looked for."},
}
