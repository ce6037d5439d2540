package replica

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Event is one of the types of this file. A pointer is given to Step, which keeps nothing of it, so that a driver can use
// one value again and again.
type Event interface{ event() }

// Loaded says what recovery found, before any other event. HighWatermark is the one of the checkpoint file, 0 if there
// is none.
type Loaded struct {
	HighWatermark    record.Offset
	LogStart, LogEnd record.Offset
}

// Lead makes the replica the leader of an epoch, or tells a leader what the image says now. An older leader epoch is
// ignored; of the same leader epoch, an ISR that is not newer by its partition epoch.
type Lead struct {
	Self           metadata.NodeID
	BrokerEpoch    metadata.BrokerEpoch // of this node
	Epoch          record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	Replicas       []metadata.NodeID // all that are assigned, this node among them
	ISR            []metadata.NodeID
	ISRMin         int           // min.insync.replicas
	LagMax         time.Duration // replica.lag.time.max.ms
	LogEnd         record.Offset // of this replica
	DurableEnd     record.Offset // of this replica
}

// Follow makes the replica a follower in an epoch. Leader is NoNode while there is none.
type Follow struct {
	Self           metadata.NodeID
	Leader         metadata.NodeID
	Epoch          record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	LogEnd         record.Offset
}

// Resign ends every role: the partition goes away, or the log takes no more writes.
type Resign struct{}

// Configure changes the settings.
type Configure struct {
	ISRMin int
	LagMax time.Duration
}

// Durable says that a node holds everything below End durably: this node by its Syncer, another by what it reported in
// a leader epoch. A lower End than before is ignored: a late message must not take back what was promised.
type Durable struct {
	Node        metadata.NodeID
	BrokerEpoch metadata.BrokerEpoch // of another node
	Epoch       record.LeaderEpoch   // of another node's report
	End         record.Offset
	LogEnd      record.Offset // of this replica, read after End
}

// Fetched says that a follower asked for the records from Offset on: it has the leader's log up to there.
type Fetched struct {
	Node        metadata.NodeID
	BrokerEpoch metadata.BrokerEpoch
	Epoch       record.LeaderEpoch // the current leader epoch of the request
	Offset      record.Offset
	LogStart    record.Offset // of the follower
	LogEnd      record.Offset // of this replica
	// Eligible says that the image has the follower unfenced, not shutting down, and with this broker epoch (KIP-903).
	Eligible bool
}

// Fenced says that the image has a node fenced or shutting down: it cannot join. What it still holds counts as before.
type Fenced struct{ Node metadata.NodeID }

// Check lets the leader look at the time: who is behind for too long, what is to be asked again.
type Check struct {
	LogEnd record.Offset
}

// Answered is the controller's answer to an Alteration. Epoch, PartitionEpoch and ISR are the answer's where Code is
// None. A request of which nothing is known, because it timed out or the way was lost, has the code RequestTimedOut.
type Answered struct {
	ID             uint64
	Code           protocol.Code
	Epoch          record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	ISR            []metadata.NodeID
}

// EpochEnd says where a leader epoch ended in a log (KIP-101). Epoch is NoLeaderEpoch where nothing is said.
type EpochEnd struct {
	Epoch record.LeaderEpoch
	End   record.Offset
}

// FetchAnswered is the leader's answer to one fetch of this replica.
type FetchAnswered struct {
	Epoch  record.LeaderEpoch // the current leader epoch that the request carried
	Offset record.Offset      // the fetch offset that it carried
	Code   protocol.Code
	// LeaderLogStart and LeaderHighWatermark are the answer's. LeaderLogEnd is known only with OFFSET_OUT_OF_RANGE; -1
	// where it is not.
	LeaderLogStart, LeaderLogEnd, LeaderHighWatermark record.Offset
	// Diverging is the answer's; Own is where this replica's log has the end of that epoch, or of the largest below it.
	Diverging, Own   EpochEnd
	LogStart, LogEnd record.Offset // of this replica, now
}

// Grown says that what TakeRecords brought is in the log, or that there was nothing.
type Grown struct {
	LogStart, LogEnd, DurableEnd record.Offset
}

// Renewed says that this node is registered anew, in the same process: a leader that hears of it takes it for another process,
// and forgets what was durable here.
type Renewed struct {
	DurableEnd record.Offset // of this replica
}

// Cut says that a TruncateTo or ResetTo was done.
type Cut struct {
	LogStart, LogEnd record.Offset
}

func (*Loaded) event()        {}
func (*Lead) event()          {}
func (*Follow) event()        {}
func (*Resign) event()        {}
func (*Configure) event()     {}
func (*Durable) event()       {}
func (*Fetched) event()       {}
func (*Check) event()         {}
func (*Fenced) event()        {}
func (*Answered) event()      {}
func (*FetchAnswered) event() {}
func (*Grown) event()         {}
func (*Cut) event()           {}
func (*Renewed) event()       {}
