package skeintest

import "time"

// MoveClock sets the node's wall clock forward by d, or back if d is negative. By the wall clock go the timestamps that the
// node gives to records (message.timestamp.type=LogAppendTime), the check of those that producers give, retention, and
// the lag of compaction: a topic kept for a week loses its old segments at the next log.retention.check.interval.ms
// after MoveClock(8*24*time.Hour).
//
// What is measured in time that passes does not follow a clock that somebody sets, and so not this one: sessions, timeouts,
// intervals, long polls, the expiry of committed offsets. A test that wants an hour to pass for those runs in a
// synctest bubble with InMemory, where time.Sleep(time.Hour) takes no real time. Outside of a bubble there is no way
// to hurry them.
func (n *Node) MoveClock(d time.Duration) { n.faults.clock.Add(int64(d)) }

// now is the node's wall clock.
func (n *Node) now() time.Time { return time.Now().Add(time.Duration(n.faults.clock.Load())) }
