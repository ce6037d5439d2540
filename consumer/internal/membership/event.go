package membership

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"time"

	"github.com/skein-io/skein/consumer/assign"
)

// TopicPartition names a partition.
type TopicPartition = assign.TopicPartition

// TopicID is the id of a topic, which another topic of the same name does not have.
type TopicID [16]byte

// String writes the id as Kafka does.
func (id TopicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// TopicIDPartition is a partition as the consumer protocol names it.
type TopicIDPartition struct {
	ID        TopicID
	Partition int32
}

// Compare orders by id, then by partition.
func (p TopicIDPartition) Compare(q TopicIDPartition) int {
	return cmp.Or(bytes.Compare(p.ID[:], q.ID[:]), cmp.Compare(p.Partition, q.Partition))
}

// Event is what happened. All events are values that can be written down and replayed.
type Event interface{ event() }

type (
	// Tick: time has passed; the driver sends it when Machine.Next has come.
	Tick struct{}

	// Subscribed sets the topics, sorted and without doubles. None means that the member leaves the group.
	Subscribed struct{ Topics []string }

	// PollBegan: the application is in Poll, and callbacks can run.
	PollBegan struct{}

	// PollEnded: the application has records, or nothing, and works. From now on max.poll.interval.ms runs.
	PollEnded struct{}

	// PollOverdue: max.poll.interval.ms counts as exceeded, though the application polls: what it processes beside it is
	// stuck for that long.
	PollOverdue struct{}

	// MetadataChanged: topics or partitions that this member's assignment was computed from are not what they were.
	// Only the leader of the group asks for a rebalance then.
	MetadataChanged struct{ What string }

	// RejoinRequested: the application asked for a rebalance.
	RejoinRequested struct{ Reason string }

	// Released: the application has committed what it processed and given up the partitions of the Revoke with this
	// ticket.
	Released struct{ Ticket uint64 }

	// Closed: the member ends. A dynamic member leaves the group; a static one only if Leave is set (KIP-1092).
	Closed struct{ Leave bool }

	// CoordinatorFound answers FindCoordinator. ConsumerProtocol tells whether the coordinator offers the consumer
	// protocol in a version that a member can use; a member that speaks only the classic one does not look at it.
	CoordinatorFound struct {
		Attempt          uint64
		ConsumerProtocol bool
	}

	// CoordinatorMissing answers FindCoordinator, too. A failure that is Fatal ends the member.
	CoordinatorMissing struct {
		Attempt uint64
		Failure Failure
	}

	// CoordinatorLost: another request (a commit) was told that the node is not the coordinator any more.
	CoordinatorLost struct{ Why string }

	// GenerationLost: another request (a commit) was told that member id or generation are not valid any more, for
	// the generation that it was sent with.
	GenerationLost struct {
		Generation int32
		Code       Code
	}

	// Joined answers Join.
	Joined struct {
		Attempt    uint64
		Failure    Failure
		Generation int32
		MemberID   string
		LeaderID   string
		Protocol   string
		// SkipAssignment: the leader keeps the assignment that the group has (KIP-814).
		SkipAssignment bool
		Members        []assign.Member // for the leader
	}

	// Assigned answers Assign. Withheld is how many partitions the plan leaves out although members subscribe to them: a
	// cooperative assignor waits until their owners have given them up.
	Assigned struct {
		Attempt  uint64
		Failure  Failure
		Plan     map[string][]TopicPartition
		Withheld int
	}

	// Synced answers Sync.
	Synced struct {
		Attempt    uint64
		Failure    Failure
		Partitions []TopicPartition
	}

	// Beaten answers Heartbeat.
	Beaten struct {
		Attempt uint64
		Failure Failure
	}

	// Left answers Leave, whatever the answer was.
	Left struct{ Attempt uint64 }

	// ConsumerBeaten answers ConsumerHeartbeat.
	ConsumerBeaten struct {
		Attempt  uint64
		Failure  Failure
		Epoch    int32         // of the member from now on
		Interval time.Duration // between two heartbeats, as the coordinator wants it
		// Assigned: the answer has an assignment, which is Target. Without it the one before holds.
		Assigned bool
		Target   []TopicIDPartition
	}

	// TopicsNamed tells the ids of the topics that the metadata has, and their names: all that are known, not what is new.
	TopicsNamed struct{ Names map[TopicID]string }
)

func (Tick) event()               {}
func (Subscribed) event()         {}
func (PollBegan) event()          {}
func (PollEnded) event()          {}
func (PollOverdue) event()        {}
func (MetadataChanged) event()    {}
func (RejoinRequested) event()    {}
func (Released) event()           {}
func (Closed) event()             {}
func (CoordinatorFound) event()   {}
func (CoordinatorMissing) event() {}
func (CoordinatorLost) event()    {}
func (GenerationLost) event()     {}
func (Joined) event()             {}
func (Assigned) event()           {}
func (Synced) event()             {}
func (Beaten) event()             {}
func (Left) event()               {}
func (ConsumerBeaten) event()     {}
func (TopicsNamed) event()        {}

// Renews reports whether an answer shows that the coordinator has begun the member's session anew, not before the request was sent.
func Renews(e Event) bool {
	switch e := e.(type) {
	case Joined:
		return e.Failure.OK()
	case Synced:
		return e.Failure.OK()
	case Beaten:
		return e.Failure.OK() || e.Failure.verdict() == rejoin
	case ConsumerBeaten:
		return e.Failure.OK()
	}
	return false
}
