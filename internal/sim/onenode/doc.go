// Package onenode runs one whole node and its clients in one goroutine, in virtual time, from one seed. The node is made
// of the real parts: the log directory on a simulated disk, the metadata log with the controller, the partitions with
// their high watermarks, the table of APIs, the decisions of the group coordinator. The clients are producers,
// consumers, group members and administrators that speak the real protocol over a simulated network.
//
// A nemesis cuts the power, kills the process, lets syncs fail, fills the disk, moves clocks, cuts connections and
// pauses the machine, between any two operations of the disk. Then everything heals and progress is demanded. What the
// clients saw is judged by package check. The same seed makes the same history.
//
// Not here: sockets, goroutines, locks under contention (package skeintest's tests have those), the loop of package
// coordinator, which has a goroutine; package broker drives package group in its place, and keeps the requests of a
// connection in order in place of package server.
//
// Start with Run and Options.
package onenode
