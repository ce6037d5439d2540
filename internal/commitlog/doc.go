// Package commitlog keeps partitions on disk as Kafka does: folders of segments with their indexes, record batches of
// magic 2 as they came in, producer snapshots and leader epochs. It appends, reads file ranges for sendfile, recovers
// after a crash, deletes by retention and compacts. It decides nothing about replication or high watermarks: whoever
// asks gives the bound. It refuses a damaged log by name and never cuts what was once durable.
//
// Start with OpenDir (one log directory with its Syncer and durable mark), then Dir.OpenLog, Log.Append and Log.Read.
package commitlog
