package config

// producerTable is about idempotent producers.
var producerTable = []Property{
	{Name: "producer.id.expiration.ms", Type: Int, Default: new("86400000"), Bounds: atLeast(1), Mode: ClusterWide,
		Doc: "How long the state of a producer that writes nothing is remembered, and its repeated batches recognised."},
	{Name: "producer.id.expiration.check.interval.ms", Type: Int, Default: new("600000"), Bounds: atLeast(1), Internal: true,
		Doc: "How often expired producers are looked for."},
}
