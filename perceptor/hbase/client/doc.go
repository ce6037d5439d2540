// Package client speaks HBase's native protocol: what perceptor needs of it, and no more. It finds regions by way of
// ZooKeeper and hbase:meta, keeps them in mind, follows them when they split, merge or move, and sends batches to all
// their servers at once. Get, conditional mutations, scans, and the few calls of the master that a table needs.
//
// It does no SASL, no TLS, no cell blocks, no compression, and reads one region replica. It runs against HBase 2.x.
//
// Start reading at Client.Batch. The numbers of fields are those of HBase's own .proto files; messages are written and
// read by hand, over protowire, in the files message_*.go.
package client
