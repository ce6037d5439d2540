package member

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// Event is what happens to a member: a pointer to one of the types in this file, or to Answer.
type Event interface{ event() }

// Connected says that the ensemble has been reached, with a session, new or known.
type Connected struct {
	Session int64
	Timeout time.Duration // as negotiated
}

// Disconnected says that the connection has ended. Nothing is asked until Connected.
type Disconnected struct{}

// Fired says that a watch on a path has fired, or was lost.
type Fired struct{ Path string }

// Propose has records written as a part of the next entry. It is for the member that leads; any other forgets it.
type Propose struct {
	Sequence uint64
	Records  []byte // see metadata.AppendRecords
}

// Confirm asks whether this member still leads, after everything that was asked under a lower number.
type Confirm struct{ Number uint64 }

// Store has a snapshot of the image at an offset written, by the member that leads.
type Store struct {
	Offset record.Offset
	Epoch  record.LeaderEpoch
	Parts  [][]byte // see AppendPart
}

// Due says that the time of Machine.Deadline has come, or nothing.
type Due struct{}

func (*Connected) event()    {}
func (*Disconnected) event() {}
func (*Fired) event()        {}
func (*Propose) event()      {}
func (*Confirm) event()      {}
func (*Store) event()        {}
func (*Due) event()          {}
func (*Answer) event()       {}

// Outcome is what has come of an event: a pointer to one of the types below.
type Outcome interface{ outcome() }

// Applied is the next entry of the metadata log, agreed upon.
type Applied struct {
	Offset  record.Offset
	Epoch   record.LeaderEpoch
	Records []byte
	// Sequence is the last Propose in it, if it is this member's own; 0 if it is not.
	Sequence uint64
}

// Installed is a snapshot that takes the place of all entries up to its offset.
type Installed struct {
	Offset record.Offset
	Epoch  record.LeaderEpoch
	Parts  [][]byte
}

// Leads says that this member is the controller, and has applied everything that was agreed upon before.
type Leads struct{ Epoch record.LeaderEpoch }

// Resigned says that it is not the controller any more. What was proposed and not applied may be agreed upon or not.
type Resigned struct{ Reason string }

// Follows says who is the controller; Leader is NoNode if nobody is known to be.
type Follows struct {
	Leader  metadata.NodeID
	Epoch   record.LeaderEpoch
	Address string
}

// Confirmed says that this member led after everything up to a number of Confirm was asked.
type Confirmed struct{ Number uint64 }

// Brokers are those that have a session, sorted; only the member that leads looks.
type Brokers struct{ IDs []metadata.NodeID }

// Stored says that the snapshot is there, and holds everything up to its offset.
type Stored struct{ Offset record.Offset }

// Troubled says what this member cannot do for now; nil that it can do all again.
type Troubled struct{ Reason error }

// Failed says that it cannot go on.
type Failed struct{ Reason error }

func (*Applied) outcome()   {}
func (*Installed) outcome() {}
func (*Leads) outcome()     {}
func (*Resigned) outcome()  {}
func (*Follows) outcome()   {}
func (*Confirmed) outcome() {}
func (*Brokers) outcome()   {}
func (*Stored) outcome()    {}
func (*Troubled) outcome()  {}
func (*Failed) outcome()    {}

// Effects are what Step wants done: outcomes in their order, then the request, if there is one.
type Effects struct {
	Outcomes []Outcome
	Request  *Request
}

// Reset empties the effects.
func (e *Effects) Reset() {
	clear(e.Outcomes)
	*e = Effects{Outcomes: e.Outcomes[:0]}
}

func (e *Effects) add(o Outcome) { e.Outcomes = append(e.Outcomes, o) }
