// Package cluster runs a whole cluster of three to five nodes and its clients in one goroutine, in virtual time, from one
// seed.
//
// A node is made of the real parts: the log directory on a simulated disk (commitlog, in Manual rounds), the replicated
// metadata log with raft, the controller and the image (quorum, controller, metadata, Manual), the way to the controller
// (controllerlink, Manual), the partitions with their fetchers, durable ends and ISR (partition, replica), the table of
// APIs (api), the decisions of the group coordinator (group). They are put together in life.go, in the order of package
// skein.
//
// Written again is what has goroutines and sockets and nothing else: the connections from node to node with their
// timeouts (package peer and ways.go of package skein, in wire.go and ways.go), the end of a connection that keeps
// requests in order (package server, in package broker), the loop of package coordinator (in package broker), and the
// waiting in a node's start and end (cluster.go of package skein, in join.go).
//
// A run ends its healing as soon as everybody has got on, the group is stable and all replicas are in sync; one seed in four
// is patient and waits all the time that a new beginning may take.
//
// A nemesis cuts the power of nodes, kills processes, cuts links one way or both, pauses machines, bends clocks, slows
// disks, lets disks fail or be full, ends nodes in good order, moves partitions and deletes topics. What un-synced bytes and
// names survive a power cut is the simulated disk's choice, torn writes included. Then everything heals and progress is
// demanded. What the clients saw is judged by package check, what only an onlooker can see by the files named judge. The same
// seed makes the same history.
//
// Bits rot below the durable mark, on one node at most for each partition (rot.go). The node that is damaged finds it when it
// starts, reads, or cuts its log, when a follower asks again, or when it loads groups, and refills the replica from another. A
// consumer that is given a wrong checksum asks again; a person then moves the folder away, for a node does not look at what it
// sends to consumers. No other replica may suffer, and no record be lost or altered.
//
// With DrawGrowing (growth.go) the metadata is on a model of a ZooKeeper ensemble, a node more comes on an empty disk, another leaves
// for good, and at rest the controllers are followed by others.
//
// Not here: growing the quorum on raft; its leader that hands over before it ends, for that waits in a goroutine; rot of the
// metadata log and of files without a checksum that nothing contradicts, see nemesis.rot.
//
// Start with Run and Options.
package cluster
