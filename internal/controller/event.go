package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Event is what happens to the controller: one of the types in this file. All of them can be written down and replayed;
// whatever is random stands in them.
type Event interface{ event() }

// Token tells the requests apart that wait for an answer. The driver chooses it; 0 is a token like any other.
type Token uint64

// Lead makes this node the controller. Image contains every record that any controller before it had committed.
type Lead struct {
	Epoch record.LeaderEpoch // of the metadata log; grows with each Lead
	Image *metadata.Image
	// Several says that the quorum has other voters. Then the broker of this process has a session and is fenced at first,
	// as every other; without, it lives and ends with the controller and needs neither.
	Several bool
}

// SeveralChanged says that the quorum has other voters from now on, or has none any more. See Lead.
type SeveralChanged struct{ Several bool }

// Resign ends the controller's time: another node may lead now, or the log has failed. Everything that waits is answered
// with Reason, or with REQUEST_TIMED_OUT if it is nil: what was proposed may or may not be committed later.
type Resign struct{ Reason error }

// Committed says that every proposal up to Sequence is agreed upon and durable, at Offset of the metadata log or before,
// and that whoever follows the image has seen it.
type Committed struct {
	Sequence uint64
	Offset   record.Offset
}

// CreateTopics is a request to create topics. TopicIDs has a random id for each topic in it; Start is random.
type CreateTopics struct {
	Token    Token
	Request  *protocol.CreateTopicsRequest
	TopicIDs []protocol.UUID
	Start    uint32 // where the placement of replicas begins
}

// DeleteTopics is a request to delete topics by name or id.
type DeleteTopics struct {
	Token   Token
	Request *protocol.DeleteTopicsRequest
	Version int16 // of the request: the code for "deletion is disabled" depends on it
}

// CreatePartitions is a request to add partitions to topics. Start is random.
type CreatePartitions struct {
	Token   Token
	Request *protocol.CreatePartitionsRequest
	Start   uint32
}

// IncrementalAlterConfigs is a request to change single names of configurations (KIP-339).
type IncrementalAlterConfigs struct {
	Token   Token
	Request *protocol.IncrementalAlterConfigsRequest
}

// AlterConfigs is a request to replace configurations as a whole.
type AlterConfigs struct {
	Token   Token
	Request *protocol.AlterConfigsRequest
}

// ElectLeaders is a request to elect leaders by hand (KIP-183, KIP-460).
type ElectLeaders struct {
	Token   Token
	Request *protocol.ElectLeadersRequest
}

// AllocateProducerIDs is a broker's request for a block of producer ids (KIP-730).
type AllocateProducerIDs struct {
	Token   Token
	Request *protocol.AllocateProducerIDsRequest
}

// RegisterBroker is a broker's request to be known (KIP-631). Local says that the broker is part of this process: in a
// quorum of one it has the image at hand, so it is unfenced at once, and its session ends with the controller's own.
type RegisterBroker struct {
	Token   Token
	Request *protocol.BrokerRegistrationRequest
	Local   bool
}

// BrokerHeartbeat is a broker's sign of life, with what it wants to become.
type BrokerHeartbeat struct {
	Token   Token
	Request *protocol.BrokerHeartbeatRequest
}

// UnregisterBroker is a request to forget a broker.
type UnregisterBroker struct {
	Token   Token
	Request *protocol.UnregisterBrokerRequest
}

// SessionExpired is the end of a SessionTimer.
type SessionExpired struct{ Broker metadata.NodeID }

// HeartbeatConnectionLost says that the connection over which a broker sent its last heartbeat has ended: its process has
// died, or it connects again at once.
type HeartbeatConnectionLost struct {
	Broker metadata.NodeID
	Epoch  metadata.BrokerEpoch // in which the heartbeats came; NoBrokerEpoch if that is not known
}

// BrokerRefused says that a connection to a broker's node was refused: nobody listens there, so its process has died, or has
// not begun to listen.
type BrokerRefused struct{ Broker metadata.NodeID }

// BalanceDue is the end of the BalanceTimer.
type BalanceDue struct{}

// AlterPartition is a leader's request to change the ISR of its partitions (KIP-497, KIP-903).
type AlterPartition struct {
	Token   Token
	Request *protocol.AlterPartitionRequest
}

// AssignReplicas is a broker's request to note in which log directories its replicas are, or that they are lost (KIP-858).
type AssignReplicas struct {
	Token   Token
	Request *protocol.AssignReplicasToDirsRequest
}

// AlterPartitionReassignments is a request to move partitions to other replicas, or to give such moves up (KIP-455).
type AlterPartitionReassignments struct {
	Token   Token
	Request *protocol.AlterPartitionReassignmentsRequest
}

// ListPartitionReassignments asks which partitions are being moved (KIP-455).
type ListPartitionReassignments struct {
	Token   Token
	Request *protocol.ListPartitionReassignmentsRequest
}

func (*Lead) event()                        {}
func (*SeveralChanged) event()              {}
func (*Resign) event()                      {}
func (*Committed) event()                   {}
func (*CreateTopics) event()                {}
func (*DeleteTopics) event()                {}
func (*CreatePartitions) event()            {}
func (*IncrementalAlterConfigs) event()     {}
func (*AlterConfigs) event()                {}
func (*ElectLeaders) event()                {}
func (*AllocateProducerIDs) event()         {}
func (*RegisterBroker) event()              {}
func (*BrokerHeartbeat) event()             {}
func (*UnregisterBroker) event()            {}
func (*AlterPartition) event()              {}
func (*AssignReplicas) event()              {}
func (*AlterPartitionReassignments) event() {}
func (*ListPartitionReassignments) event()  {}
func (*SessionExpired) event()              {}
func (*HeartbeatConnectionLost) event()     {}
func (*BrokerRefused) event()               {}
func (*BalanceDue) event()                  {}
