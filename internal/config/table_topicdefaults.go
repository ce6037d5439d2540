package config

// topicDefaultsTable is what new topics get.
var topicDefaultsTable = []Property{
	{Name: "num.partitions", Type: Int, Default: new("1"), Bounds: atLeast(1),
		Doc: "Partitions of a topic that was created without a number."},
	{Name: "default.replication.factor", Type: Int, Default: new("1"), Bounds: atLeast(1),
		Doc: "Replicas of a topic that was created without a number."},
	{Name: "auto.create.topics.enable", Type: Boolean, Default: new("true"),
		Doc: "A topic that a client asks for and that does not exist is created, where the client allows it."},
	{Name: "delete.topic.enable", Type: Boolean, Default: new("true"),
		Doc: "Topics may be deleted."},
	{Name: "min.insync.replicas", Type: Int, Default: new("1"), Bounds: atLeast(1), Mode: ClusterWide,
		Doc: "With acks=all a record is refused while fewer replicas than this, or than there are, are in sync."},
	{Name: "unclean.leader.election.enable", Type: Boolean, Default: new("false"), Mode: ClusterWide, Effect: ManyBrokers,
		Doc: "A replica that is behind may become leader where no other lives, and records are lost by it."},
	{Name: "compression.type", Type: String, Default: new("producer"), Mode: ClusterWide, Bounds: compressionWords,
		Doc: "Codec in which batches are stored; producer keeps them as they come."},
	{Name: "compression.gzip.level", Type: Int, Default: new("-1"), Bounds: eitherOf{-1, inRange(1, 9)}, Mode: ClusterWide,
		Doc: "Level for gzip, where the broker compresses."},
	{Name: "compression.lz4.level", Type: Int, Default: new("9"), Bounds: inRange(1, 17), Mode: ClusterWide,
		Doc: "Level for lz4, where the broker compresses."},
	{Name: "compression.zstd.level", Type: Int, Default: new("3"), Bounds: inRange(-131072, 22), Mode: ClusterWide,
		Doc: "Level for zstd, where the broker compresses."},
	{Name: "message.max.bytes", Type: Int, Default: new("1048588"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Largest batch of records, compressed as it is."},
}

var compressionWords = oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
