// Package group decides everything about consumer groups that speak the classic protocol, and about committed
// offsets. It is a value and a function: a Shard holds the groups of one partition of __consumer_offsets, and
// Shard.Step takes the time, an Event and an Effects that it fills with what is to be done: records to append, requests
// to answer, timers to set.
//
// It has no clock, timer, goroutine, lock, file or random number: all of that is given to it. So a seed or a list of
// recorded events makes the same history again, on any machine.
//
// The rules of its driver (package coordinator is one; the tests have others):
//
//   - Before a Step for which NeedsAppend is true, and before it waits, the driver appends what Effects.Records holds
//     and steps Appended or Refused. Only Appended changes durable state, through the same Replay that loads a log.
//   - A reply in Effects.Deferred is given after Committed reached its Seq, and its Refuse form if that fails.
//   - When no JoinGroup of a group that Ready returns waits in the inbox any more, the driver steps Drained.
//   - On an I/O error, or when the partition has another leader, the driver steps Unload and drops the Shard.
//
// What it refuses to do: read a request's bytes, check that topics exist, authorise, know what a log is.
//
// Start with Shard, then join.go and joinphase.go. The behaviours are scripts in testdata, one file each; their names
// are those of the conformance checklist (docs/compatibility.md).
package group
