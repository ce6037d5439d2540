// Package perceptor carries a database's changes through a topic to those who want them.
//
// Subscribe gives changes to a handler, in order for each row. Apply writes them to a sink (packages hbase and mysql),
// where an older change never overwrites a newer one, in whatever order and however often they come. Both are members of
// a consumer group, so several processes share the work, and each group has all changes. They read what package envelope
// reads: Debezium's, Canal's and Maxwell's JSON.
//
// A record is acknowledged when all its changes have been handled or written, and not before. What can never be handled
// goes to the dead-letter topic, or ends the subscription with an error that names the record; nothing is skipped in
// silence.
package perceptor
