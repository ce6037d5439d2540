package api

import (
	"github.com/skein-io/skein/internal/group"
)

// Groups is the group coordinator. Each method may be called concurrently and calls done once, from any goroutine. It
// answers NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE and COORDINATOR_LOAD_IN_PROGRESS itself.
type Groups interface {
	// PartitionFor is the partition of __consumer_offsets that a group belongs to.
	PartitionFor(groupID string) int32
	Join(request group.JoinRequest, done func(*group.JoinReply))
	Sync(request group.SyncRequest, done func(*group.SyncReply))
	// Heartbeat may hold its answer; nudge asks for it.
	Heartbeat(request group.HeartbeatRequest, done func(*group.HeartbeatReply)) (nudge func())
	Leave(request group.LeaveRequest, done func(*group.LeaveReply))
	Commit(request group.CommitRequest, done func(*group.CommitReply))
	Fetch(request group.FetchRequest, done func(*group.FetchReply))
	List(states, types []string, done func(*group.ListReply, error))
	Describe(groupID string, done func(*group.DescribeReply))
	Delete(groupID string, done func(*group.DeleteReply))
	DeleteOffsets(request group.DeleteOffsetsRequest, done func(*group.DeleteOffsetsReply))
}

// text is what a nullable string of the wire says; null is "".
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNull is the wire's nullable string of s; "" is null.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
