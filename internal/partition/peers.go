package partition

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// Peers is the way to other nodes. Its methods may be called concurrently.
type Peers interface {
	// Ask sends a request at the highest version that both know. done is called exactly once, from any goroutine, also
	// before Ask returns. The byte fields of the response are valid until done returns.
	Ask(to metadata.NodeID, request protocol.Message, done func(response protocol.Message, version int16, err error))
}

// ISRChanges is the way to the controller. Its methods may be called concurrently.
type ISRChanges interface {
	// AlterPartition proposes an ISR. done is called exactly once, from any goroutine, with what the controller has now,
	// or with the error that it answered; an error without a code says that nothing is known of the outcome.
	AlterPartition(change ISRChange, done func(state ISRState, err error))
}

// ISRChange is one partition of an AlterPartition request (KIP-497, KIP-903).
type ISRChange struct {
	TopicID        protocol.UUID
	Partition      int32
	LeaderEpoch    record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	ISR            []replica.Member
}

// ISRState is one partition of the answer.
type ISRState struct {
	Leader         metadata.NodeID
	LeaderEpoch    record.LeaderEpoch
	PartitionEpoch metadata.PartitionEpoch
	ISR            []metadata.NodeID
}
