// Package controllerlink is this broker's way to the controller, in this process or in another one: it registers the broker
// and keeps its session, forwards what clients want changed, and carries changes of in-sync replicas.
//
// It refuses to decide anything about the cluster, and to send a request twice when nobody knows what became of it, unless
// the request is one that may be repeated. What the controller listener receives goes to the quorum and never into a Link:
// two nodes that take each other for the controller would send it round and round.
//
// Start with Open. Three connections lead to a controller elsewhere, one for each of three lanes, because a node answers
// the requests of one connection in order: a topic of ten thousand partitions must not make a session end.
//
//	session     BrokerRegistration, BrokerHeartbeat    session.go, leave.go
//	partitions  AlterPartition                         partitions.go
//	requests    all that is forwarded                  submit.go, shown.go
package controllerlink
