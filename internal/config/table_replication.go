package config

// RackAwareSelector is the value of replica.selector.class that Kafka has (KIP-392). What it does is built in here.
const RackAwareSelector = "org.apache.kafka.common.replica.RackAwareReplicaSelector"

// replicationTable is about followers, leaders and elections.
var replicationTable = []Property{
	{Name: "replica.lag.time.max.ms", Type: Long, Default: new("30000"), Bounds: atLeast(1), Effect: ManyBrokers,
		Doc: "A follower that was behind for so long leaves the in-sync replicas."},
	{Name: "replica.fetch.wait.max.ms", Type: Int, Default: new("500"), Bounds: atLeast(0), Effect: ManyBrokers,
		Doc: "How long a leader holds a follower's fetch that finds nothing."},
	{Name: "replica.fetch.min.bytes", Type: Int, Default: new("1"), Bounds: atLeast(0), Effect: ManyBrokers,
		Doc: "Bytes that a follower waits for."},
	{Name: "replica.fetch.max.bytes", Type: Int, Default: new("1048576"), Bounds: atLeast(0), Effect: ManyBrokers,
		Doc: "Bytes that a follower takes of one partition at once; one batch comes whole."},
	{Name: "replica.fetch.response.max.bytes", Type: Int, Default: new("10485760"), Bounds: atLeast(0), Effect: ManyBrokers,
		Doc: "Bytes that a follower takes at once."},
	{Name: "num.replica.fetchers", Type: Int, Default: new("1"), Bounds: atLeast(1), Mode: ClusterWide, Effect: ManyBrokers,
		Doc: "Connections by which a follower fetches from one leader."},
	{Name: "leader.replication.throttled.rate", Type: Long, Default: longMax, Bounds: atLeast(0), Mode: ClusterWide, Effect: ManyBrokers,
		Doc: "Bytes a second that this broker gives as a leader to replicas of leader.replication.throttled.replicas. It makes those wait that are not in sync."},
	{Name: "follower.replication.throttled.rate", Type: Long, Default: longMax, Bounds: atLeast(0), Mode: ClusterWide, Effect: ManyBrokers,
		Doc: "Bytes a second that this broker takes as a follower for replicas of follower.replication.throttled.replicas. It makes those wait that are not in sync."},
	{Name: "replication.quota.window.num", Type: Int, Default: new("11"), Bounds: inRange(1, 100_000), Effect: ManyBrokers,
		Doc: "Windows over which the rates of replication throttles are measured."},
	{Name: "replication.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1), Effect: ManyBrokers,
		Doc: "Time of one window of replication.quota.window.num. After a pause so much of a rate may pass at once."},
	{Name: "replica.selector.class", Type: String, Bounds: oneOf(RackAwareSelector), Effect: ManyBrokers,
		Doc: "With it a consumer that names its rack (client.rack) is sent to an in-sync replica there. Otherwise it reads from the leader."},
	{Name: "replica.high.watermark.checkpoint.interval.ms", Type: Long, Default: new("5000"), Bounds: atLeast(1),
		Doc: "How often high watermarks are written to the disk."},
	{Name: "auto.leader.rebalance.enable", Type: Boolean, Default: new("true"), Effect: ManyBrokers,
		Doc: "Leadership goes back to the first replica of each partition from time to time."},
	{Name: "leader.imbalance.check.interval.seconds", Type: Long, Default: new("300"), Bounds: atLeast(1), Effect: ManyBrokers,
		Doc: "How often that is looked at."},
	{Name: "unclean.leader.election.interval.ms", Type: Long, Default: new("300000"), Bounds: atLeast(1), Internal: true, Effect: ManyBrokers,
		Doc: "How often partitions without a leader are looked at for an unclean election."},
}
