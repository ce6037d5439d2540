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
	// Features are the levels that a new cluster starts with, sorted by name.
	Features []metadata.FeatureRange
	Rules    ConfigRules
	// ProposalBytesMax is the most that the records of one request may take in the metadata log, in bytes: a request that
	// takes more is refused. 0 is no bound.
	ProposalBytesMax int
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
	// WaitingMax is the most requests that wait for their records to be committed; more are answered at once with
	// THROTTLING_QUOTA_EXCEEDED.
	WaitingMax = 10_000
	// ProducerIDBlock is how many producer ids a broker gets at once.
	ProducerIDBlock = 1000
)
