package group

import (
	"github.com/skein-io/skein/internal/protocol"
)

// Effects is what a Step asks its driver to do. Steps append to it; the driver takes what it has done and keeps the
// slices for the next Step.
type Effects struct {
	// Records are to be appended, in order. They stay until the driver steps Appended or Refused for them.
	Records []Record
	// Units are the records that belong together: a batch ends only where a Unit ends, unless it is Divisible.
	Units []Unit
	// Replies are to be given now.
	Replies []Reply
	// Deferred are to be given when everything up to their Seq is committed.
	Deferred []DeferredReply
	// Timers are to be set and cancelled, in order.
	Timers []TimerChange
	// Notes are for logs and metrics. Nothing depends on them.
	Notes []Note
}

// Unit is a run of records that one event asked for.
type Unit struct {
	First, Last Seq
	// Divisible says that any prefix of the records makes sense alone: deletions, a group's own record last.
	Divisible bool
}

// Reply answers the request of a token.
type Reply struct {
	Token Token
	Body  Body
}

// Body is the answer to one kind of request: *JoinReply, *SyncReply and so on.
type Body interface{ body() }

// DeferredReply is a Reply that promises records.
type DeferredReply struct {
	Seq   Seq
	Token Token
	Body  Refusable
}

// Refusable is a Body that can say instead that its records were not written.
type Refusable interface {
	Body
	// Refuse makes the reply for a write that failed. The error has been mapped by WriteFailure.
	Refuse(err *protocol.Error) Body
}

// TimerKind says what a timer is for.
type TimerKind uint8

const (
	// SessionTimer ends a member's session, or the wait for a member that was given its id.
	SessionTimer TimerKind = iota + 1
	// JoinTimer ends a join phase.
	JoinTimer
	// SettleTimer ends the short wait for the rest of a crowd of new members.
	SettleTimer
	// SyncTimer ends the wait for SyncGroup.
	SyncTimer
	// HoldTimer answers a held heartbeat.
	HoldTimer
	// CleanupTimer looks for expired offsets. It belongs to the shard: Group is "".
	CleanupTimer
	// IdleTimer takes out a group that has neither members nor offsets.
	IdleTimer
	// DiaryTimer takes the older half of a group's diary out, because all of them take too much.
	DiaryTimer
)

var timerNames = [...]string{"", "session", "join", "settle", "sync", "hold", "cleanup", "idle", "diary"}

// String is a word for the kind.
func (k TimerKind) String() string { return timerNames[k] }

// TimerKey names a timer. A timer that is set again moves.
type TimerKey struct {
	Kind   TimerKind
	Group  string `json:",omitempty"`
	Member string `json:",omitempty"`
}

// TimerChange sets a timer to At, or cancels it. The timer gives a Timer event once, not before At.
type TimerChange struct {
	Key    TimerKey
	At     Instant
	Cancel bool
}

// NoteKind says what a Note is about.
type NoteKind uint8

const (
	// RebalanceStarted: Reason says why, Member who, Generation is the old one.
	RebalanceStarted NoteKind = iota + 1
	// GenerationFormed: the join phase ended with Members members.
	GenerationFormed
	// GenerationStable: the assignment is committed.
	GenerationStable
	// GroupEmptied: the last member is gone.
	GroupEmptied
	// SessionExpired: Member was removed because it was not heard of.
	SessionExpired
	// MemberRemoved: Member was removed for another Reason.
	MemberRemoved
	// MemberReplaced: Member took the place of an earlier one with its instance id.
	MemberReplaced
	// OffsetsExpired: Members is how many offsets were removed.
	OffsetsExpired
	// GroupDeleted: its tombstone was written.
	GroupDeleted
	// WriteFailed: Reason is the error.
	WriteFailed
	// MemberJoined: Member is new. Its rebalance, if one begins, is a note of its own.
	MemberJoined
	// MemberFenced: a request came from Member, whose instance id another one has now.
	MemberFenced
	// MemberTurnedAway: Member, if it has an id, was refused because the group is full.
	MemberTurnedAway
	// GenerationRefused: Member sent a request of an old generation.
	GenerationRefused
)

var noteNames = [...]string{"", "rebalance started", "generation formed", "generation stable", "group empty", "session expired",
	"member removed", "member replaced", "offsets expired", "group deleted", "write failed", "member joined", "member fenced",
	"member turned away", "old generation refused"}

// String is a sentence for logs.
func (k NoteKind) String() string { return noteNames[k] }

// Note tells a person what happened.
type Note struct {
	Kind       NoteKind
	Group      string
	Member     string
	Reason     string
	Generation int32
	Members    int
}

// Reset forgets everything and keeps the memory.
func (fx *Effects) Reset() {
	clear(fx.Records)
	clear(fx.Replies)
	clear(fx.Deferred)
	clear(fx.Timers)
	clear(fx.Notes)
	fx.Records, fx.Units, fx.Replies = fx.Records[:0], fx.Units[:0], fx.Replies[:0]
	fx.Deferred, fx.Timers, fx.Notes = fx.Deferred[:0], fx.Timers[:0], fx.Notes[:0]
}
