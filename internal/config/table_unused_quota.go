package config

var unusedQuotaTable = without("skein has no quotas yet.", []Property{
	{Name: "alter.log.dirs.replication.quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
	{Name: "controller.quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "controller.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
	{Name: "quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
	{Name: "replication.quota.window.num", Type: Int, Default: new("11"), Bounds: atLeast(1)},
	{Name: "replication.quota.window.size.seconds", Type: Int, Default: new("1"), Bounds: atLeast(1)},
})
