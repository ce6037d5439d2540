package membership

import (
	"time"

	"github.com/skein-io/skein/consumer/assign"
)

// Effect is what the driver has to do. It does them in order.
type Effect interface{ effect() }

// Effects are collected by Step; the driver empties the slice.
type Effects []Effect

type (
	// FindCoordinator asks any node for the group's coordinator: CoordinatorFound or CoordinatorMissing follows.
	FindCoordinator struct{ Attempt uint64 }

	// Join sends JoinGroup: Joined follows. Owned goes into the subscription, with HadGeneration, in which it was assigned
	// (KIP-429, KIP-792); Generation, in which the member is, may be one whose assignment it did not get. Had is the
	// last assignment, and HadGeneration is -1 if there was none: an eager member has given it up, and its
	// assignor's user data tells of it (KIP-54, KIP-341).
	Join struct {
		Attempt       uint64
		MemberID      string
		Topics        []string
		Owned         []TopicPartition
		Generation    int32 // -1: none
		Had           []TopicPartition
		HadGeneration int32
		Reason        string
	}

	// Assign computes the assignment with the assignor of that name: Assigned follows.
	Assign struct {
		Attempt  uint64
		Protocol string
		Members  []assign.Member
	}

	// Sync sends SyncGroup; Plan is the leader's: Synced follows.
	Sync struct {
		Attempt    uint64
		MemberID   string
		Generation int32
		Protocol   string
		Plan       map[string][]TopicPartition
	}

	// Heartbeat sends Heartbeat: Beaten follows.
	Heartbeat struct {
		Attempt    uint64
		MemberID   string
		Generation int32
	}

	// Leave sends LeaveGroup: Left follows.
	Leave struct {
		Attempt  uint64
		MemberID string
		Reason   string
	}

	// ConsumerHeartbeat sends ConsumerGroupHeartbeat (KIP-848): ConsumerBeaten follows. Joining is epoch 0, leaving a
	// negative one.
	ConsumerHeartbeat struct {
		Attempt  uint64
		MemberID string
		Epoch    int32
		// Full: everything that the coordinator is to know is in it: the rebalance timeout, the assignor and the rack, too.
		Full   bool
		Topics []string           // the subscription; nil: what was said before holds
		Owned  []TopicIDPartition // what the member holds; nil: what was said before holds
		// Wait is how long an answer is waited for at most. The coordinator does not hold it back.
		Wait time.Duration
	}

	// NameTopics asks for metadata, because the assignment has topic ids whose names are not known: TopicsNamed follows.
	NameTopics struct{ IDs []TopicID }

	// Revoke: nothing of these partitions may be delivered from now on. In the application's next Poll what it has
	// processed is committed, its listener is told, and Released follows with this ticket.
	Revoke struct {
		Ticket     uint64
		Partitions []TopicPartition
		Reason     string
	}

	// Lose: these partitions are not the member's any more, and were not given up in time. They are not committed;
	// a Revoke that was not carried out yet is dropped.
	Lose struct {
		Partitions []TopicPartition
		Reason     string
	}

	// Grant: these partitions are the member's now. Added may be empty: the listener is told of a rebalance all the
	// same, as in Kafka.
	Grant struct {
		Added      []TopicPartition
		All        []TopicPartition
		Generation int32
	}

	// Passed: a member that ends has gone through a rebalance, or through as much of it as it will see, because the next one has
	// begun. It is granted nothing more; what it still has to give up is committed in this generation, in which nobody else has it:
	// it has claimed it.
	Passed struct{ Generation int32 }

	// Fail: the member is over; the next Poll tells the application why.
	Fail struct {
		Doing   string // JoinGroup, ...
		Failure Failure
	}

	// Ended: the member has left, or needed not.
	Ended struct{}

	// Note tells what happened, for logs and Explain.
	Note struct {
		At   time.Time
		Text string
	}
)

func (FindCoordinator) effect()   {}
func (Join) effect()              {}
func (Assign) effect()            {}
func (Sync) effect()              {}
func (Heartbeat) effect()         {}
func (Leave) effect()             {}
func (ConsumerHeartbeat) effect() {}
func (NameTopics) effect()        {}
func (Revoke) effect()            {}
func (Lose) effect()              {}
func (Grant) effect()             {}
func (Passed) effect()            {}
func (Fail) effect()              {}
func (Ended) effect()             {}
func (Note) effect()              {}
