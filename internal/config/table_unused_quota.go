package config

var unusedQuotaTable = without("skein has no quotas yet.", []Property{
	{Name: "alter.log.dirs.replication.quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
	{Name: "controller.quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "controller.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
	{Name: "quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
})

// noMoves is about moving replicas from one of a broker's disks to another. ReassignPartitionsCommand takes the rate away
// whenever a reassignment has ended, so its name has to be known.
var noMoves = without("skein keeps its data in one directory, so no replica moves within a broker.", []Property{
	{Name: "replica.alter.log.dirs.io.max.bytes.per.second", Type: Long, Default: longMax, Bounds: atLeast(0), Mode: ClusterWide},
})
