package config

var unusedTransactionTable = without("skein has no transactions yet; idempotent producers need none of this.", []Property{
	{Name: "add.partitions.to.txn.retry.backoff.max.ms", Type: Int, Default: new("100"), Bounds: atLeast(0)},
	{Name: "add.partitions.to.txn.retry.backoff.ms", Type: Int, Default: new("20"), Bounds: atLeast(1)},
	{Name: "transaction.abort.timed.out.transaction.cleanup.interval.ms", Type: Int, Default: new("10000"), Bounds: atLeast(1)},
	{Name: "transaction.max.timeout.ms", Type: Int, Default: new("900000"), Bounds: atLeast(1)},
	{Name: "transaction.partition.verification.enable", Type: Boolean, Default: new("true"), Mode: ClusterWide},
	{Name: "transaction.remove.expired.transaction.cleanup.interval.ms", Type: Int, Default: new("3600000"), Bounds: atLeast(1)},
	{Name: "transaction.state.log.load.buffer.size", Type: Int, Default: new("5242880"), Bounds: atLeast(1)},
	{Name: "transaction.state.log.min.isr", Type: Int, Default: new("2"), Bounds: atLeast(1)},
	{Name: "transaction.state.log.num.partitions", Type: Int, Default: new("50"), Bounds: atLeast(1)},
	{Name: "transaction.state.log.replication.factor", Type: Short, Default: new("3"), Bounds: atLeast(1)},
	{Name: "transaction.state.log.segment.bytes", Type: Int, Default: new("104857600"), Bounds: atLeast(1)},
	{Name: "transaction.two.phase.commit.enable", Type: Boolean, Default: new("false")},
	{Name: "transactional.id.expiration.ms", Type: Int, Default: new("604800000"), Bounds: atLeast(1)},
})
