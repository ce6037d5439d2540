package replica

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// Effects is what a Step asks of the driver. The driver reuses it; Step resets it.
type Effects struct {
	// HighWatermark is the new high watermark, when Moved. A leader's only rises.
	HighWatermark record.Offset
	Moved         bool
	// Resigned says that leadership ended: those who wait are to be told so.
	Resigned bool

	// Taken says that what another node said counts: a Fetched or Durable of this epoch and the node's present process.
	Taken bool

	// Alter is to be sent to the controller; nil if nothing is. It does not change any more.
	Alter *Alteration
	// WakeAt is when a Check is due beside the regular ones, where Wake.
	WakeAt Instant
	Wake   bool

	// Action is what a follower does next; To goes with TruncateTo and ResetTo.
	Action Action
	To     record.Offset
	// LogStart is where a follower's log is to begin from now on, when MoveStart: the leader's begins there.
	LogStart  record.Offset
	MoveStart bool
	// Report is to be told to the leader as this replica's durable end, when Reports.
	Report  record.Offset
	Reports bool
}

// Action is what a follower does with an answer.
type Action uint8

const (
	// Nothing: the answer is of no use any more.
	Nothing Action = iota
	// TakeRecords appends the records of the answer, if it has any, then steps Grown.
	TakeRecords
	// TruncateTo removes the records from To on, then steps Cut.
	TruncateTo
	// ResetTo removes every record and begins anew at To, then steps Cut.
	ResetTo
	// RetryLater asks again after a pause: the leader, or this node, does not know yet what the other does.
	RetryLater
)

var actionNames = [...]string{"nothing", "take", "truncate", "reset", "retry later"}

// String is a word for the action.
func (a Action) String() string { return actionNames[a] }

// Alteration is an ISR that the leader proposes to the controller (AlterPartition, KIP-497).
type Alteration struct {
	ID             uint64 // of the answer; a proposal that is sent again keeps it
	Epoch          record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	ISR            []Member
}

// Member is a replica of a proposed ISR with the broker epoch in which the leader saw it (KIP-903); NoBrokerEpoch if it
// did not see it yet.
type Member struct {
	Node        metadata.NodeID
	BrokerEpoch metadata.BrokerEpoch
}
