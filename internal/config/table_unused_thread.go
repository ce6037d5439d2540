package config

var unusedThreadTable = without("skein has no pools of threads and queues to size; the Go runtime and the kernel adapt by themselves.", []Property{
	{Name: "background.threads", Type: Int, Default: new("10"), Bounds: atLeast(1), Mode: ClusterWide},
	{Name: "delete.records.purgatory.purge.interval.requests", Type: Int, Default: new("1")},
	{Name: "fetch.purgatory.purge.interval.requests", Type: Int, Default: new("1000")},
	{Name: "log.cleaner.threads", Type: Int, Default: new("1"), Bounds: atLeast(0), Mode: ClusterWide},
	{Name: "max.connection.creation.rate", Type: Int, Default: new("2147483647"), Bounds: atLeast(0), Mode: ClusterWide},
	{Name: "num.io.threads", Type: Int, Default: new("8"), Bounds: atLeast(1), Mode: ClusterWide},
	{Name: "num.network.threads", Type: Int, Default: new("3"), Bounds: atLeast(1), Mode: ClusterWide},
	{Name: "num.recovery.threads.per.data.dir", Type: Int, Default: new("2"), Bounds: atLeast(1), Mode: ClusterWide},
	{Name: "num.replica.alter.log.dirs.threads", Type: Int},
	{Name: "producer.purgatory.purge.interval.requests", Type: Int, Default: new("1000")},
	{Name: "queued.max.requests", Type: Int, Default: new("500"), Bounds: atLeast(1)},
	{Name: "replica.fetch.backoff.ms", Type: Int, Default: new("1000"), Bounds: atLeast(0)},
	{Name: "replica.socket.receive.buffer.bytes", Type: Int, Default: new("65536")},
	{Name: "replica.socket.timeout.ms", Type: Int, Default: new("30000")},
	{Name: "socket.connection.setup.timeout.max.ms", Type: Long, Default: new("30000")},
	{Name: "socket.connection.setup.timeout.ms", Type: Long, Default: new("10000")},
	{Name: "socket.listen.backlog.size", Type: Int, Default: new("50"), Bounds: atLeast(1)},
	{Name: "socket.receive.buffer.bytes", Type: Int, Default: new("102400")},
	{Name: "socket.send.buffer.bytes", Type: Int, Default: new("102400")},
})
