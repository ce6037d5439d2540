package config

var unusedLogTable = without("skein does this by itself, or not at all.", []Property{
	{Name: "cordoned.log.dirs", Type: List, Default: new(""), Mode: PerBroker},
	{Name: "log.cleaner.io.buffer.load.factor", Type: Double, Default: new("0.9"), Mode: ClusterWide},
	{Name: "log.cleaner.io.buffer.size", Type: Int, Default: new("524288"), Bounds: atLeast(0), Mode: ClusterWide},
	{Name: "log.cleaner.io.max.bytes.per.second", Type: Double, Default: new("1.7976931348623157E308"), Mode: ClusterWide},
	{Name: "log.dir.failure.timeout.ms", Type: Long, Default: new("30000"), Bounds: atLeast(1)},
	{Name: "log.flush.offset.checkpoint.interval.ms", Type: Int, Default: new("60000"), Bounds: atLeast(0)},
	{Name: "log.flush.start.offset.checkpoint.interval.ms", Type: Int, Default: new("60000"), Bounds: atLeast(0)},
	{Name: "log.initial.task.delay.ms", Type: Long, Default: new("30000"), Bounds: atLeast(0), Internal: true},
	{Name: "offsets.load.buffer.size", Type: Int, Default: new("5242880"), Bounds: atLeast(1)},
	{Name: "offsets.topic.compression.codec", Type: Int, Default: new("0")},
})
