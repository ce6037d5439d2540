// Package ensemble is a model of a ZooKeeper ensemble for simulations: a tree of znodes that servers agree upon, sessions that
// expire, watches, multi-operations, and clients that connect again by themselves.
//
// It has ZooKeeper's guarantees and no stronger ones. A server may be behind: what it answers to a read is old, and a watch fires
// late; but a client never sees anything older than what it has seen, and never the new data before the watch on it has fired.
// A write, and a Sync, is answered when the client's server has it. When a connection ends, what was asked on it may have been
// carried out or not. A session expires on the ensemble's clock, whether the client knows or not; the client learns of it when
// it connects again.
//
// It is a model of what package internal/quorum/zookeeper asks, not of more: no ACLs, no sequential znodes, no quotas. The
// network between clients and servers is package sim's, with its delays, cuts and resets.
package ensemble
