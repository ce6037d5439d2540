package controller

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Config is what the controller is told once, at the start of the process.
type Config struct {
	Self              metadata.NodeID
	ClusterID         string
	PartitionsDefault int32         // num.partitions
	ReplicationFactor int16         // default.replication.factor
	TopicDeletion     bool          // delete.topic.enable
	SessionTimeout    time.Duration // broker.session.timeout.ms
	// FirstHeartbeatMax is how long a controller that begins waits for the first heartbeat of a broker, if that is less than
	// SessionTimeout; 0 is metadata.Lease of it, and less is not right: a broker that the controller before has answered counts
	// on that. A broker that lives sends one as soon as it hears who leads. One that is fenced by mistake is back with its next
	// heartbeat.
	FirstHeartbeatMax time.Duration
	// SessionLostAfter is how much of its session a broker keeps when the connection that carried its heartbeats has ended,
	// at most; 0 is 500 ms. A broker that lives connects again and sends a heartbeat within milliseconds.
	SessionLostAfter time.Duration
	// Features are the levels that a new cluster starts with, sorted by name.
	Features []metadata.FeatureRange
	// FeaturesOfSeveral leaves Features to when the quorum has several voters.
	FeaturesOfSeveral bool
	Rules             ConfigRules
	// ProposalBytesMax is the most that the records of one proposal may take in the metadata log, in bytes: a request that
	// takes more is refused, but what becomes of a broker's partitions is split. 0 is no bound.
	ProposalBytesMax int
	// LeaderRebalance gives leaderships back to preferred leaders, every LeaderImbalanceCheck, of those brokers that lack
	// more than LeaderImbalancePercent of what they are preferred for. They are auto.leader.rebalance.enable,
	// leader.imbalance.check.interval.seconds and leader.imbalance.per.broker.percentage; an interval of 0 is 300 s.
	LeaderRebalance        bool
	LeaderImbalanceCheck   time.Duration
	LeaderImbalancePercent int
	// RaisedTopics are Kafka's own topics that get replicas as brokers join, until they have 3: those for which the
	// configuration has no replication factor (offsets.topic.replication.factor, transaction.state.log.replication.factor).
	RaisedTopics []string

	faults faults
}

// ConfigRules knows the names that resources may configure. Package config has them; a test has its own. It must give
// the same answer to the same question always.
type ConfigRules interface {
	// Check says whether a resource may have a configuration as a whole. Its error carries the code, INVALID_CONFIG for a
	// name or value that may not be.
	Check(resource metadata.Resource, set *metadata.ConfigSet) error
	// List says whether the value of a name is a list, which APPEND and SUBTRACT need.
	List(kind metadata.ResourceType, name string) bool
	// Default is the value of a name that is not set.
	Default(kind metadata.ResourceType, name string) (string, bool)
	// Describe is what CreateTopics tells of a new topic's configuration, sorted by name.
	Describe(image *metadata.Image, topic *metadata.ConfigSet) []protocol.CreateTopicsResponseCreatableTopicConfigs
}

// Bounds on what one request may do.
const (
	// RecordsMax is the most records that one request may add to the metadata log.
	RecordsMax = 50_000
	// WaitingMax is the most requests that wait for their records to be committed; more, but for heartbeats, are
	// answered at once with THROTTLING_QUOTA_EXCEEDED.
	WaitingMax = 10_000
	// ProducerIDBlock is how many producer ids a broker gets at once.
	ProducerIDBlock = 1000
)

// What stands in for a duration of 0.
const (
	sessionLostAfterDefault     = 500 * time.Millisecond
	leaderImbalanceCheckDefault = 300 * time.Second
)

func (c Config) completed() Config {
	if c.FirstHeartbeatMax <= 0 {
		c.FirstHeartbeatMax = metadata.Lease(c.SessionTimeout)
	}
	if c.SessionLostAfter <= 0 {
		c.SessionLostAfter = sessionLostAfterDefault
	}
	if c.LeaderImbalanceCheck <= 0 {
		c.LeaderImbalanceCheck = leaderImbalanceCheckDefault
	}
	return c
}
