package group

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// RecordKind says what a Record changes.
type RecordKind uint8

const (
	// OffsetStored sets the committed offset of a partition.
	OffsetStored RecordKind = iota + 1
	// OffsetRemoved is its tombstone.
	OffsetRemoved
	// GroupStored sets the durable part of a group.
	GroupStored
	// GroupRemoved is its tombstone.
	GroupRemoved
	// DiaryStored sets a slot of a group's diary.
	DiaryStored
	// DiaryRemoved is its tombstone.
	DiaryRemoved
)

// Record is one record of __consumer_offsets. Topic and Partition are for offsets only.
type Record struct {
	Seq       Seq // 0 when it was loaded from the log
	Kind      RecordKind
	Group     string
	Topic     string
	Partition int32
	Offset    OffsetValue // of OffsetStored
	Value     *GroupValue // of GroupStored; not changed after it was emitted
	Diary     *DiaryValue `json:",omitempty"` // of DiaryStored and DiaryRemoved
	// Retention and Asked are of an OffsetRemoved that is asked for because the offset expired; they are not in the log.
	// Retention is how long it was kept, Asked that the commit said so.
	Retention time.Duration `json:",omitempty"`
	Asked     bool          `json:",omitempty"`
}

// OffsetValue is a committed offset.
type OffsetValue struct {
	Offset      record.Offset
	LeaderEpoch record.LeaderEpoch
	Metadata    string
	CommitTime  Instant
	ExpireTime  Instant // NoInstant: by offsets.retention.minutes
	TopicID     protocol.UUID
}

// GroupValue is what survives of a group: its last generation.
type GroupValue struct {
	ProtocolType string // "" for a group without members so far
	Generation   int32
	Protocol     string // "" is none
	Leader       string // "" is none
	StateTime    Instant
	Members      []MemberValue
}

// MemberValue is what survives of a member.
type MemberValue struct {
	MemberID         string
	InstanceID       string // "" is a dynamic member
	ClientID         string
	ClientHost       string
	RebalanceTimeout time.Duration // negative: the session timeout
	SessionTimeout   time.Duration
	Subscription     []byte
	Assignment       []byte
}
