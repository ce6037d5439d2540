// Package config holds Kafka's property names, typed: each with its default, its bounds, a sentence that says what it
// does here, whether it has an effect in skein at all, and, once resolved, where its value came from. It reads a
// .properties file, SKEIN_ environment variables and name=value pairs; it starts nothing and holds no state that
// changes. Values that dynamic changes bring make a new Broker or Topic.
//
// Start with Resolve, Broker and Topic; the names are in the files table_*.go.
package config
