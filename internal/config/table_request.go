package config

// requestTable bounds what one request may ask for.
var requestTable = []Property{
	{Name: "fetch.max.bytes", Type: Int, Default: new("57671680"), Bounds: atLeast(1024),
		Doc: "Most bytes of records in one Fetch answer; the first batch is given whole, however large."},
	{Name: "max.request.partition.size.limit", Type: Int, Default: new("2000"), Bounds: atLeast(1),
		Doc: "Most partitions in one DescribeTopicPartitions answer; the rest comes with the next request."},
	{Name: "max.incremental.fetch.session.cache.slots", Type: Int, Default: new("1000"), Bounds: atLeast(0),
		Doc: "Incremental fetch sessions that the node remembers."},
	{Name: "request.timeout.ms", Type: Int, Default: new("30000"), Bounds: atLeast(1),
		Doc: "How long one broker waits for another's answer, and for the metadata log to take a change."},
}
