package config

var (
	longMax   = new("9223372036854775807")
	weekHours = new("168")
)

// logTable says how the log of a partition is kept, where its topic does not say otherwise.
var logTable = []Property{
	{Name: "log.segment.bytes", Type: Int, Default: new("1073741824"), Bounds: atLeast(1 << 20), Mode: ClusterWide,
		Doc: "Size at which a segment is closed and the next begun."},
	{Name: "log.roll.ms", Type: Long, Bounds: atLeast(1), Mode: ClusterWide, Synonyms: []string{"log.roll.hours"},
		Doc: "Age at which a segment is closed though it is not full."},
	{Name: "log.roll.hours", Type: Int, Default: weekHours, Bounds: atLeast(1),
		Doc: "Stands in for log.roll.ms where that is not set."},
	{Name: "log.roll.jitter.ms", Type: Long, Bounds: atLeast(0), Mode: ClusterWide, Synonyms: []string{"log.roll.jitter.hours"},
		Doc: "Most that is taken off log.roll.ms at random, so that not all segments close at once."},
	{Name: "log.roll.jitter.hours", Type: Int, Default: new("0"), Bounds: atLeast(0),
		Doc: "Stands in for log.roll.jitter.ms where that is not set."},
	{Name: "log.index.interval.bytes", Type: Int, Default: new("4096"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Bytes of records between two entries of the offset index."},
	{Name: "log.index.size.max.bytes", Type: Int, Default: new("10485760"), Bounds: atLeast(4), Mode: ClusterWide,
		Doc: "Size of an index at which the segment is closed."},
	{Name: "log.preallocate", Type: Boolean, Default: new("false"), Mode: ClusterWide, Effect: NoEffect,
		Doc: "Files grow as they are written; the file systems of today gain nothing from preallocation."},
	{Name: "log.retention.ms", Type: Long, Bounds: eitherOf{-1, atLeast(1)}, Mode: ClusterWide, Synonyms: []string{"log.retention.minutes", "log.retention.hours"},
		Doc: "Age at which records may be deleted. -1 keeps them for ever."},
	{Name: "log.retention.minutes", Type: Int, Bounds: eitherOf{-1, atLeast(1)},
		Doc: "Stands in for log.retention.ms where that is not set."},
	{Name: "log.retention.hours", Type: Int, Default: weekHours, Bounds: eitherOf{-1, atLeast(1)},
		Doc: "Stands in for log.retention.minutes where that is not set either."},
	{Name: "log.retention.bytes", Type: Long, Default: new("-1"), Mode: ClusterWide,
		Doc: "Size of a partition from which its oldest segments are deleted. -1 sets no size."},
	{Name: "log.retention.check.interval.ms", Type: Long, Default: new("300000"), Bounds: atLeast(1),
		Doc: "How often the node looks for segments to delete."},
	{Name: "log.segment.delete.delay.ms", Type: Long, Default: new("60000"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "How long the files of a deleted segment stay, for those who still read them."},
	{Name: "log.cleanup.policy", Type: List, Default: new("delete"), Bounds: oneOf("compact", "delete"), Mode: ClusterWide,
		Doc: "What happens to old records: deleted by age and size, compacted to the latest of each key, or both."},
	{Name: "log.flush.interval.messages", Type: Long, Default: new("1"), Bounds: atLeast(1), Mode: ClusterWide, Kafka: longMax,
		Doc: "1: a record is acknowledged when it is synced to the disk. Any other value, such as Kafka's default: it is acknowledged when the operating system has it."},
	{Name: "log.flush.interval.ms", Type: Long, Bounds: atLeast(0), Mode: ClusterWide, Synonyms: []string{"log.flush.scheduler.interval.ms"},
		Doc: "With acknowledgement before the sync: longest time that a record stays unsynced."},
	{Name: "log.flush.scheduler.interval.ms", Type: Long, Default: longMax,
		Doc: "Stands in for log.flush.interval.ms where that is not set."},
	{Name: "log.message.timestamp.type", Type: String, Default: new("CreateTime"), Bounds: timestampWords, Mode: ClusterWide,
		Doc: "Whose time a record bears: its producer's, or the broker's at the append."},
	{Name: "log.message.timestamp.before.max.ms", Type: Long, Default: longMax, Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Oldest timestamp that is taken, as its distance from now."},
	{Name: "log.message.timestamp.after.max.ms", Type: Long, Default: new("3600000"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "Furthest timestamp in the future that is taken, as its distance from now."},
}

var timestampWords = oneOf("CreateTime", "LogAppendTime")
