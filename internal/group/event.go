package group

import (
	"github.com/skein-io/skein/internal/protocol"
)

// Event is what happens to a Shard. Every Event is a plain value that JSON keeps.
type Event interface{ event() }

// Timer says that a timer rang.
type Timer struct{ Key TimerKey }

// Drained says that no JoinGroup of the group waits in the inbox.
type Drained struct{ GroupID string }

// Appended says that all records up to a Seq that were not refused are in the log.
type Appended struct{ UpTo Seq }

// Refused says that the records from First to Last were not written, and never will be.
type Refused struct {
	First, Last Seq
	Code        protocol.Code
	Reason      string
}

// Committed says that all records up to a Seq that were appended are under the high watermark.
type Committed struct{ UpTo Seq }

// TimedOut says that records up to a Seq were not committed within offsets.commit.timeout.ms. They may be yet.
type TimedOut struct{ UpTo Seq }

// Loaded says that the whole log was given to Replay.
type Loaded struct{}

// Unload says that the shard ends: another node leads the partition, or its log failed. Every parked request is
// answered with the code. The Shard must not be used afterwards.
type Unload struct {
	Code   protocol.Code
	Reason string
}

// ShuttingDown says that the node ends soon: whatever is parked is answered with the code, and so is what would be
// parked from now on. Membership does not change any more; offsets are committed and fetched as before.
type ShuttingDown struct {
	Code   protocol.Code
	Reason string
}

// TopicsDeleted says that topics are gone, so that their offsets go too (O18).
type TopicsDeleted struct{ Topics []DeletedTopic }

// DeletedTopic is a topic that is gone.
type DeletedTopic struct {
	Name string
	ID   protocol.UUID
}

func (*Join) event()          {}
func (*Sync) event()          {}
func (*Heartbeat) event()     {}
func (*Nudge) event()         {}
func (*Leave) event()         {}
func (*Commit) event()        {}
func (*Fetch) event()         {}
func (*List) event()          {}
func (*Describe) event()      {}
func (*Why) event()           {}
func (*Inspect) event()       {}
func (*Delete) event()        {}
func (*DeleteOffsets) event() {}
func (*TopicsDeleted) event() {}
func (*Timer) event()         {}
func (*Drained) event()       {}
func (*Appended) event()      {}
func (*Refused) event()       {}
func (*Committed) event()     {}
func (*TimedOut) event()      {}
func (*Loaded) event()        {}
func (*Unload) event()        {}
func (*ShuttingDown) event()  {}

func (*JoinReply) body()          {}
func (*SyncReply) body()          {}
func (*HeartbeatReply) body()     {}
func (*LeaveReply) body()         {}
func (*CommitReply) body()        {}
func (*FetchReply) body()         {}
func (*ListReply) body()          {}
func (*DescribeReply) body()      {}
func (*WhyReply) body()           {}
func (*InspectReply) body()       {}
func (*DeleteReply) body()        {}
func (*DeleteOffsetsReply) body() {}
