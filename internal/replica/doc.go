// Package replica decides for one partition on one node: where the high watermark is, which replicas are in sync, and
// what a follower does with the answers of its leader. It is a value: events in, effects out, no file, clock, lock or
// random number. Its driver is package partition.
//
// A leader's high watermark is the least durable end over the maximal ISR: those that the controller has in the ISR,
// and those that it may have put there meanwhile, because they were proposed and the answer is not known. It is held
// while the ISR is under min.insync.replicas (KIP-966), and it waits for a replica that is about to join. It is the only
// effect that lets a produce with acks=all be answered, and nothing but Durable moves it: an acknowledgement before the
// record is durable cannot be expressed.
//
// The rules of the driver:
//
//   - It steps Fetched only for a fetch that carried the current leader epoch and whose end does not diverge from the
//     leader's log. It steps Durable for another node only as that node said it.
//   - It gives effects.Alter to the controller, and steps Answered exactly once for each.
//   - It steps Check at least twice in replica.lag.time.max.ms, and at effects.WakeAt.
//   - A follower does what effects.Action says before it fetches again, and says what became of its log with Grown or
//     Cut.
//
// What it refuses to do: append, fetch, elect, read a clock.
//
// Start with State, then leader.go, isr.go and follower.go. The behaviours are scripts in testdata; the rules of
// KIP-101, 279, 320, 497, 595, 903 and 966 are held by the simulation in the tests.
package replica
