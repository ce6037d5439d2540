// Package coordinator runs the group coordinator: one loop, a goroutine, for each partition of __consumer_offsets that
// this node leads. A loop drains its inbox, steps the decisions of package group, writes all records of the drain as one
// batch, and answers when they are committed. It keeps the timers, loads a partition's log when it is elected, and gives
// everything back when it resigns.
//
// It decides nothing about groups (package group does), reads no request of the wire (package api does), and knows a log
// only as the interface Log.
//
// Start with Coordinator:
//
//	c := coordinator.New(coordinator.DefaultConfig())
//	c.Start(50)                              // partitions of __consumer_offsets
//	c.Elected(partition, epoch, log)         // this node leads it: load and serve
//	c.Join(request, func(reply group.JoinReply) { ... })
//	nudge := c.Heartbeat(request, func(reply group.HeartbeatReply) { ... })
//	call.OnLater(nudge)                      // a held heartbeat is answered when something comes after it
//	c.Resigned(partition, epoch)
//
// The methods may be called concurrently and never block. A callback runs exactly once, before the method returns or
// later on a loop's goroutine, and must not block. A refused request carries its error in the reply's Err.
package coordinator
