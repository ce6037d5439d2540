package config

// groupResourceTable is what a group may be given by its name (the GROUP resource). All of it is for kinds of group
// that skein does not have yet.
var groupResourceTable = without("skein has classic groups so far.", []Property{
	{Name: "consumer.assignment.interval.ms", Type: Int, Default: new("1000"), Bounds: atLeast(0), Synonyms: []string{"group.consumer.assignment.interval.ms"}},
	{Name: "consumer.heartbeat.interval.ms", Type: Int, Default: new("5000"), Bounds: atLeast(1), Synonyms: []string{"group.consumer.heartbeat.interval.ms"}},
	{Name: "consumer.session.timeout.ms", Type: Int, Default: new("45000"), Bounds: atLeast(1), Synonyms: []string{"group.consumer.session.timeout.ms"}},
	{Name: "share.assignment.interval.ms", Type: Int, Default: new("1000"), Bounds: atLeast(0), Synonyms: []string{"group.share.assignment.interval.ms"}},
	{Name: "share.auto.offset.reset", Type: String, Default: new("latest")},
	{Name: "share.delivery.count.limit", Type: Int, Default: new("5"), Bounds: atLeast(2), Synonyms: []string{"group.share.delivery.count.limit"}},
	{Name: "share.heartbeat.interval.ms", Type: Int, Default: new("5000"), Bounds: atLeast(1), Synonyms: []string{"group.share.heartbeat.interval.ms"}},
	{Name: "share.isolation.level", Type: String, Default: new("read_uncommitted"), Bounds: oneOf("read_committed", "read_uncommitted")},
	{Name: "share.partition.max.record.locks", Type: Int, Default: new("2000"), Bounds: atLeast(100), Synonyms: []string{"group.share.partition.max.record.locks"}},
	{Name: "share.record.lock.duration.ms", Type: Int, Default: new("30000"), Bounds: atLeast(1000), Synonyms: []string{"group.share.record.lock.duration.ms"}},
	{Name: "share.renew.acknowledge.enable", Type: Boolean, Default: new("true")},
	{Name: "share.session.timeout.ms", Type: Int, Default: new("45000"), Bounds: atLeast(1), Synonyms: []string{"group.share.session.timeout.ms"}},
	{Name: "streams.assignment.interval.ms", Type: Int, Default: new("1000"), Bounds: atLeast(0), Synonyms: []string{"group.streams.assignment.interval.ms"}},
	{Name: "streams.heartbeat.interval.ms", Type: Int, Default: new("5000"), Bounds: atLeast(1), Synonyms: []string{"group.streams.heartbeat.interval.ms"}},
	{Name: "streams.initial.rebalance.delay.ms", Type: Int, Default: new("3000"), Bounds: atLeast(0), Synonyms: []string{"group.streams.initial.rebalance.delay.ms"}},
	{Name: "streams.num.standby.replicas", Type: Int, Default: new("0"), Bounds: atLeast(0), Synonyms: []string{"group.streams.num.standby.replicas"}},
	{Name: "streams.session.timeout.ms", Type: Int, Default: new("45000"), Bounds: atLeast(1), Synonyms: []string{"group.streams.session.timeout.ms"}},
})
