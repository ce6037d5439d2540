package config

// topicTable is the properties of topics. The defaults are Kafka's; where a broker property is among the synonyms, its
// value is the default that a topic gets.
var topicTable = []Property{
	{Name: "cleanup.policy", Type: List, Default: new("delete"), Bounds: oneOf("compact", "delete"), Synonyms: []string{"log.cleanup.policy"},
		Doc: "What happens to old records: deleted by age and size, compacted to the latest of each key, or both."},
	{Name: "compression.type", Type: String, Default: new("producer"), Bounds: compressionWords, Synonyms: []string{"compression.type"},
		Doc: "Codec in which batches are stored; producer keeps them as they come."},
	{Name: "compression.gzip.level", Type: Int, Default: new("-1"), Bounds: eitherOf{-1, inRange(1, 9)}, Synonyms: []string{"compression.gzip.level"},
		Doc: "Level for gzip, where the broker compresses."},
	{Name: "compression.lz4.level", Type: Int, Default: new("9"), Bounds: inRange(1, 17), Synonyms: []string{"compression.lz4.level"},
		Doc: "Level for lz4, where the broker compresses."},
	{Name: "compression.zstd.level", Type: Int, Default: new("3"), Bounds: inRange(-131072, 22), Synonyms: []string{"compression.zstd.level"},
		Doc: "Level for zstd, where the broker compresses."},
	{Name: "delete.retention.ms", Type: Long, Default: new("86400000"), Bounds: atLeast(0), Synonyms: []string{"log.cleaner.delete.retention.ms"},
		Doc: "How long the marker of a deleted key stays after compaction."},
	{Name: "file.delete.delay.ms", Type: Long, Default: new("60000"), Bounds: atLeast(0), Synonyms: []string{"log.segment.delete.delay.ms"},
		Doc: "How long the files of a deleted segment stay."},
	{Name: "flush.messages", Type: Long, Default: new("1"), Bounds: atLeast(1), Synonyms: []string{"log.flush.interval.messages"}, Kafka: longMax,
		Doc: "1: a record is acknowledged when it is synced to the disk. Any other value: when the operating system has it."},
	{Name: "flush.ms", Type: Long, Default: longMax, Bounds: atLeast(0), Synonyms: []string{"log.flush.interval.ms", "log.flush.scheduler.interval.ms"},
		Doc: "With acknowledgement before the sync: longest time that a record stays unsynced."},
	{Name: "index.interval.bytes", Type: Int, Default: new("4096"), Bounds: atLeast(0), Synonyms: []string{"log.index.interval.bytes"},
		Doc: "Bytes of records between two entries of the offset index."},
	{Name: "internal.segment.bytes", Type: Int, Bounds: atLeast(1), Internal: true,
		Doc: "Segment size below the least that segment.bytes allows, for tests."},
	{Name: "max.compaction.lag.ms", Type: Long, Default: longMax, Bounds: atLeast(1), Synonyms: []string{"log.cleaner.max.compaction.lag.ms"},
		Doc: "A record is compacted after so long, whatever the ratio says."},
	{Name: "max.message.bytes", Type: Int, Default: new("1048588"), Bounds: atLeast(0), Synonyms: []string{"message.max.bytes"},
		Doc: "Largest batch of records, compressed as it is."},
	{Name: "message.timestamp.type", Type: String, Default: new("CreateTime"), Bounds: timestampWords, Synonyms: []string{"log.message.timestamp.type"},
		Doc: "Whose time a record bears: its producer's, or the broker's at the append."},
	{Name: "message.timestamp.before.max.ms", Type: Long, Default: longMax, Bounds: atLeast(0), Synonyms: []string{"log.message.timestamp.before.max.ms"},
		Doc: "Oldest timestamp that is taken, as its distance from now."},
	{Name: "message.timestamp.after.max.ms", Type: Long, Default: new("3600000"), Bounds: atLeast(0), Synonyms: []string{"log.message.timestamp.after.max.ms"},
		Doc: "Furthest timestamp in the future that is taken, as its distance from now."},
	{Name: "min.cleanable.dirty.ratio", Type: Double, Default: new("0.5"), Bounds: inRange(0, 1), Synonyms: []string{"log.cleaner.min.cleanable.ratio"},
		Doc: "The log is compacted when this part of it was not compacted yet."},
	{Name: "min.compaction.lag.ms", Type: Long, Default: new("0"), Bounds: atLeast(0), Synonyms: []string{"log.cleaner.min.compaction.lag.ms"},
		Doc: "A record stays uncompacted for at least so long."},
	{Name: "min.insync.replicas", Type: Int, Default: new("1"), Bounds: atLeast(1), Synonyms: []string{"min.insync.replicas"},
		Doc: "With acks=all a record is refused while fewer replicas than this, or than there are, are in sync."},
	{Name: "retention.bytes", Type: Long, Default: new("-1"), Synonyms: []string{"log.retention.bytes"},
		Doc: "Size of a partition from which its oldest segments are deleted. -1 sets no size."},
	{Name: "retention.ms", Type: Long, Default: new("604800000"), Bounds: atLeast(-1), Synonyms: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "Age at which records may be deleted. -1 keeps them for ever."},
	{Name: "segment.bytes", Type: Int, Default: new("1073741824"), Bounds: atLeast(1 << 20), Synonyms: []string{"log.segment.bytes"},
		Doc: "Size at which a segment is closed and the next begun."},
	{Name: "segment.index.bytes", Type: Int, Default: new("10485760"), Bounds: atLeast(4), Synonyms: []string{"log.index.size.max.bytes"},
		Doc: "Size of an index at which the segment is closed."},
	{Name: "segment.jitter.ms", Type: Long, Default: new("0"), Bounds: atLeast(0), Synonyms: []string{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		Doc: "Most that is taken off segment.ms at random, so that not all segments close at once."},
	{Name: "segment.ms", Type: Long, Default: new("604800000"), Bounds: atLeast(1), Synonyms: []string{"log.roll.ms", "log.roll.hours"},
		Doc: "Age at which a segment is closed though it is not full."},
	{Name: "unclean.leader.election.enable", Type: Boolean, Default: new("false"), Synonyms: []string{"unclean.leader.election.enable"}, Effect: ManyBrokers,
		Doc: "A replica that is behind may become leader where no other lives, and records are lost by it."},
	{Name: "leader.replication.throttled.replicas", Type: List, Default: new(""), Bounds: throttleBounds, Effect: ManyBrokers,
		Doc: "Partitions, each with the broker that leads it, to which leader.replication.throttled.rate of that broker applies."},
	{Name: "follower.replication.throttled.replicas", Type: List, Default: new(""), Bounds: throttleBounds, Effect: ManyBrokers,
		Doc: "Partitions, each with a broker that follows, to which follower.replication.throttled.rate of that broker applies."},
	{Name: "preallocate", Type: Boolean, Default: new("false"), Synonyms: []string{"log.preallocate"}, Effect: NoEffect,
		Doc: "Files grow as they are written; the file systems of today gain nothing from preallocation."},
}

var throttleBounds = rule("partition:broker, ... or *", func(v Value) error {
	if v.Text == "*" {
		return nil
	}
	for _, element := range v.List {
		if _, _, ok := throttledReplica(element); !ok {
			return errThrottle
		}
	}
	return nil
})

var unusedTopicTable = without(noRemote, []Property{
	{Name: "local.retention.bytes", Type: Long, Default: new("-2"), Bounds: atLeast(-2), Synonyms: []string{"log.local.retention.bytes"}},
	{Name: "local.retention.ms", Type: Long, Default: new("-2"), Bounds: atLeast(-2), Synonyms: []string{"log.local.retention.ms"}},
	{Name: "remote.log.copy.disable", Type: Boolean, Default: new("false")},
	{Name: "remote.log.delete.on.disable", Type: Boolean, Default: new("false")},
	{Name: "remote.storage.enable", Type: Boolean, Default: new("false"), Bounds: falseOnly},
})

// falseOnly refuses what would lose a promise silently: a topic that asks for remote storage relies on it.
var falseOnly = rule("false", func(v Value) error {
	if v.Bool {
		return errNoRemote
	}
	return nil
})
