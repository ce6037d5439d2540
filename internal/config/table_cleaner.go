package config

// cleanerTable is about compaction.
var cleanerTable = []Property{
	{Name: "log.cleaner.enable", Type: Boolean, Default: new("true"),
		Doc: "Topics with cleanup.policy=compact are compacted. Without it __consumer_offsets grows for ever."},
	{Name: "log.cleaner.min.cleanable.ratio", Type: Double, Default: new("0.5"), Bounds: inRange(0, 1), Mode: ClusterWide,
		Doc: "A log is compacted when this part of it was not compacted yet."},
	{Name: "log.cleaner.delete.retention.ms", Type: Long, Default: new("86400000"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "How long the marker of a deleted key stays, so that a reader who is behind sees it."},
	{Name: "log.cleaner.min.compaction.lag.ms", Type: Long, Default: new("0"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "A record stays uncompacted for at least so long."},
	{Name: "log.cleaner.max.compaction.lag.ms", Type: Long, Default: longMax, Bounds: atLeast(1), Mode: ClusterWide,
		Doc: "A record is compacted after so long, whatever the ratio says."},
	{Name: "log.cleaner.backoff.ms", Type: Long, Default: new("15000"), Bounds: atLeast(0), Mode: ClusterWide,
		Doc: "How long the cleaner rests where nothing needs it."},
	{Name: "log.cleaner.dedupe.buffer.size", Type: Long, Default: new("134217728"), Bounds: atLeast(1 << 20), Mode: ClusterWide,
		Doc: "Most memory for the map of keys of one compaction. It is taken as it is needed, and given back."},
}
