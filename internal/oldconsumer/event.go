package oldconsumer

import "time"

// Event is something that happens to a Member.
type Event interface{ event() }

type (
	// SessionBegun: ZooKeeper has given a session, the first or a new one.
	SessionBegun struct{}
	// SessionExpired: ZooKeeper has ended the session, and the member has learned of it. What it asked is not answered any more.
	SessionExpired struct{}
	// Answered is the answer to the one request that is under way.
	Answered struct{ Answer Answer }
	// Notified: the children of a watched znode changed. It says once that they did, not how.
	Notified struct{ Path string }
	// Woken: the time of a timer has come.
	Woken struct{ Timer Timer }
	// Asked wants what was read so far to be noted; nothing changes by it.
	Asked struct{}
)

func (SessionBegun) event()   {}
func (SessionExpired) event() {}
func (Answered) event()       {}
func (Notified) event()       {}
func (Woken) event()          {}
func (Asked) event()          {}

// Timer is one of a member's timers. Setting it again replaces it.
type Timer uint8

const (
	// Backoff ends the wait between two tries of a rebalance.
	Backoff Timer = iota
	// Commit is auto.commit.interval.ms.
	Commit
)

// Wake sets a timer.
type Wake struct {
	Timer Timer
	At    time.Duration
}

// Effects are what a step leads to. Reset and use them again.
type Effects struct {
	// Request is what to ask of ZooKeeper, or nil. There is never more than one under way.
	Request *Request
	Wakes   []Wake
	Notes   []Note
}

// Reset empties them.
func (fx *Effects) Reset() { *fx = Effects{Wakes: fx.Wakes[:0], Notes: fx.Notes[:0]} }

// NoteKind is what a Note tells.
type NoteKind uint8

const (
	// Started: the member reads Partition from Offset on.
	Started NoteKind = iota
	// Stopped: it does not any more.
	Stopped
	// Read: it has read Partition from Offset up to End, which was not noted yet.
	Read
	// Began: a rebalance begins.
	Began
	// Collided: another owns Partition already; this try has failed.
	Collided
	// GaveUp: all tries have failed. The member reads nothing until it is notified again.
	GaveUp
	// Balanced: a rebalance has ended well.
	Balanced
)

// Note tells what a member did.
type Note struct {
	Kind      NoteKind
	Partition int32
	Offset    int64
	End       int64
}
