package config

var unusedMetricTable = without("skein offers its metrics as Prometheus text, whatever this says.", []Property{
	{Name: "kafka.metrics.polling.interval.secs", Type: Int, Default: new("10"), Bounds: atLeast(1)},
	{Name: "kafka.metrics.reporters", Type: List, Default: new("")},
	{Name: "metric.reporters", Type: List, Default: new("org.apache.kafka.common.metrics.JmxReporter"), Mode: ClusterWide},
	{Name: "metrics.num.samples", Type: Int, Default: new("2"), Bounds: atLeast(1)},
	{Name: "metrics.recording.level", Type: String, Default: new("INFO")},
	{Name: "metrics.sample.window.ms", Type: Long, Default: new("30000"), Bounds: atLeast(1)},
	{Name: "telemetry.max.bytes", Type: Int, Default: new("1048576"), Bounds: atLeast(1)},
})
