package group

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Config is what a Shard is told by its operator. Each field names its property.
type Config struct {
	SessionTimeoutMin time.Duration // group.min.session.timeout.ms
	SessionTimeoutMax time.Duration // group.max.session.timeout.ms
	SizeMax           int           // group.max.size
	InitialDelay      time.Duration // group.initial.rebalance.delay.ms
	MetadataLengthMax int           // offset.metadata.max.bytes, in UTF-16 units, as Kafka counts
	OffsetsRetention  time.Duration // offsets.retention.minutes
	CleanupInterval   time.Duration // offsets.retention.check.interval.ms; 0 means never

	// HoldHeartbeats is group.heartbeat.hold.enable.
	HoldHeartbeats bool
	// HoldMax is the longest that a heartbeat is held. It must be below the shortest request timeout of any client:
	// kafka-go gives up after 5 s.
	HoldMax time.Duration
	// JoinSettle is how long no new member must have come before a join phase with several of them ends; 0 means not at
	// all. A lone new member never waits for it.
	JoinSettle time.Duration

	// PendingMax is how many members of one group may have been given an id and not have come back (J3). The oldest is
	// forgotten for the next: if it comes, it is told so and asks again.
	PendingMax int
	// IdleGroupsMax is how many groups of a shard may have neither members nor offsets and wait for the cleanup. The one
	// that has been so for longest goes for the next.
	IdleGroupsMax int
	// DiaryBytesMax is group.diary.max.bytes: what the entries of all diaries of a shard may take, as they are in the log.
	// 0 is without a bound. It is passed for a moment by what one event writes.
	DiaryBytesMax int
}

// DefaultConfig is Kafka's defaults, and skein's own.
func DefaultConfig() Config {
	return Config{
		SessionTimeoutMin: 6 * time.Second,
		SessionTimeoutMax: 30 * time.Minute,
		SizeMax:           1<<31 - 1,
		InitialDelay:      3 * time.Second,
		MetadataLengthMax: 4096,
		OffsetsRetention:  7 * 24 * time.Hour,
		CleanupInterval:   10 * time.Minute,
		HoldHeartbeats:    true,
		HoldMax:           3 * time.Second,
		JoinSettle:        50 * time.Millisecond,
		PendingMax:        16_384,
		IdleGroupsMax:     1000,
		DiaryBytesMax:     1 << 20,
	}
}

const (
	// newMemberJoinTimeout is how long a new member's parked JoinGroup lives, whatever its session timeout. Its client
	// may be gone, and nothing else would tell (J19).
	newMemberJoinTimeout = 5 * time.Minute
	// settleMax bounds the wait for a crowd to end: what Kafka waits for a first rebalance by default.
	settleMax = 3 * time.Second
	// reasonLengthMax is what is kept of a client's reason, in characters (J22).
	reasonLengthMax = 255
)

// CheckSessionTimeout is F7.
func (c *Config) CheckSessionTimeout(timeout time.Duration) *protocol.Error {
	if timeout < c.SessionTimeoutMin || timeout > c.SessionTimeoutMax {
		return protocol.Fail(protocol.InvalidSessionTimeout,
			"session timeout %v is not within group.min.session.timeout.ms %v and group.max.session.timeout.ms %v",
			timeout, c.SessionTimeoutMin, c.SessionTimeoutMax)
	}
	return nil
}
