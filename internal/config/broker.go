package config

import (
	"net/netip"
	"time"
)

// Broker is the configuration of one node. It does not change once it is resolved: a dynamic change makes another one
// (WithDynamic). A limit that is not set is NoLimit, a time without end is Never.
type Broker struct {
	// Node.
	NodeID                int32         `property:"node.id"`
	ProcessRoles          []string      `property:"process.roles"`
	Rack                  string        `property:"broker.rack"`
	LogDirs               []string      `property:"log.dirs"`
	MetadataLogDir        string        `property:"metadata.log.dir"` // "" is the first of LogDirs
	BrokerHeartbeat       time.Duration `property:"broker.heartbeat.interval.ms"`
	BrokerSessionTimeout  time.Duration `property:"broker.session.timeout.ms"`
	InitialRegistration   time.Duration `property:"initial.broker.registration.timeout.ms"`
	ControlledShutdown    bool          `property:"controlled.shutdown.enable"`
	QuorumVoters          []Voter
	QuorumBootstrap       []string      `property:"controller.quorum.bootstrap.servers"`
	QuorumElectionTimeout time.Duration `property:"controller.quorum.election.timeout.ms"`
	QuorumFetchTimeout    time.Duration `property:"controller.quorum.fetch.timeout.ms"`
	QuorumRequestTimeout  time.Duration `property:"controller.quorum.request.timeout.ms"`

	// ZooKeeper, in place of the quorum.
	ZooKeeper                  Ensemble
	ZooKeeperSessionTimeout    time.Duration `property:"zookeeper.session.timeout.ms"`
	ZooKeeperConnectionTimeout time.Duration `property:"zookeeper.connection.timeout.ms"`

	// Network.
	Listeners                   []Listener
	AdvertisedListeners         []Listener // without those of controllers
	AdvertisedControllers       []Listener // those of controllers: for other nodes
	InterBrokerListener         string
	ConnectionsMaxIdle          time.Duration `property:"connections.max.idle.ms"`
	MaxConnections              int           `property:"max.connections"`
	MaxConnectionsPerIP         int           `property:"max.connections.per.ip"`
	MaxConnectionsPerIPOverride map[netip.Addr]int
	SocketRequestMax            Bytes         `property:"socket.request.max.bytes"`
	SocketRequestFirstMax       Bytes         `property:"socket.request.first.max.bytes"`
	ConnectionHandshakeTimeout  time.Duration `property:"connection.handshake.timeout.ms"`
	ConnectionStallTimeout      time.Duration `property:"connection.stall.timeout.ms"`
	ConnectionBytesPerSecondMin Bytes         `property:"connection.bytes.per.second.min"`
	ConnectionInflightMax       int           `property:"connection.inflight.max.requests"`
	ConnectionInflightBytesMax  Bytes         `property:"connection.inflight.max.bytes"`
	QueuedRequestBytesMax       Bytes         `property:"queued.max.request.bytes"`
	ShutdownDrainTimeout        time.Duration `property:"shutdown.drain.timeout.ms"`

	// Requests.
	FetchMax                  Bytes         `property:"fetch.max.bytes"`
	RequestPartitionSizeLimit int           `property:"max.request.partition.size.limit"`
	FetchSessionSlots         int           `property:"max.incremental.fetch.session.cache.slots"`
	RequestTimeout            time.Duration `property:"request.timeout.ms"`
	DecompressedBatchMax      Bytes         `property:"max.decompressed.batch.bytes"`

	// Topics. What a topic may say itself is in Topic.
	NumPartitions            int32 `property:"num.partitions"`
	DefaultReplicationFactor int16 `property:"default.replication.factor"`
	AutoCreateTopics         bool  `property:"auto.create.topics.enable"`
	DeleteTopics             bool  `property:"delete.topic.enable"`

	// Logs.
	RetentionCheckInterval time.Duration `property:"log.retention.check.interval.ms"`
	FreeBytesFloor         Bytes         `property:"log.dir.free.bytes.floor"`
	FlushIntervalMessages  int64         `property:"log.flush.interval.messages"` // 1: synced before it is acknowledged
	CleanerEnable          bool          `property:"log.cleaner.enable"`
	CleanerBackoff         time.Duration `property:"log.cleaner.backoff.ms"`
	CleanerDedupeBuffer    Bytes         `property:"log.cleaner.dedupe.buffer.size"`

	// Groups.
	HeartbeatHold                 bool          `property:"group.heartbeat.hold.enable"`
	GroupDiaryMax                 Bytes         `property:"group.diary.max.bytes"`
	GroupInitialRebalanceDelay    time.Duration `property:"group.initial.rebalance.delay.ms"`
	GroupSessionTimeoutMin        time.Duration `property:"group.min.session.timeout.ms"`
	GroupSessionTimeoutMax        time.Duration `property:"group.max.session.timeout.ms"`
	GroupMaxSize                  int           `property:"group.max.size"`
	OffsetMetadataMax             Bytes         `property:"offset.metadata.max.bytes"`
	OffsetsCommitTimeout          time.Duration `property:"offsets.commit.timeout.ms"`
	OffsetsTopicPartitions        int32         `property:"offsets.topic.num.partitions"`
	OffsetsTopicReplicationFactor int16         `property:"offsets.topic.replication.factor"` // 0: min(3, live brokers)
	OffsetsTopicSegment           Bytes         `property:"offsets.topic.segment.bytes"`
	OffsetsRetention              time.Duration `property:"offsets.retention.minutes"`
	OffsetsRetentionCheck         time.Duration `property:"offsets.retention.check.interval.ms"`

	// Producers.
	ProducerIDExpiration      time.Duration `property:"producer.id.expiration.ms"`
	ProducerIDExpirationCheck time.Duration `property:"producer.id.expiration.check.interval.ms"`

	// Replication.
	ReplicaLagMax           time.Duration `property:"replica.lag.time.max.ms"`
	ReplicaFetchWaitMax     time.Duration `property:"replica.fetch.wait.max.ms"`
	ReplicaFetchMin         Bytes         `property:"replica.fetch.min.bytes"`
	ReplicaFetchMax         Bytes         `property:"replica.fetch.max.bytes"`
	ReplicaFetchResponseMax Bytes         `property:"replica.fetch.response.max.bytes"`
	ReplicaFetchers         int           `property:"num.replica.fetchers"`
	LeaderThrottle          Bytes         `property:"leader.replication.throttled.rate"`   // a second
	FollowerThrottle        Bytes         `property:"follower.replication.throttled.rate"` // a second
	ThrottleWindows         int           `property:"replication.quota.window.num"`
	ThrottleWindow          time.Duration `property:"replication.quota.window.size.seconds"`
	ReplicaSelector         string        `property:"replica.selector.class"` // "" is the leader always
	HighWatermarkCheckpoint time.Duration `property:"replica.high.watermark.checkpoint.interval.ms"`
	AutoLeaderRebalance     bool          `property:"auto.leader.rebalance.enable"`
	LeaderImbalanceCheck    time.Duration `property:"leader.imbalance.check.interval.seconds"`
	UncleanElectionInterval time.Duration `property:"unclean.leader.election.interval.ms"`

	static  map[string]setting // file, environment, --set
	general map[string]setting // dynamic, for all brokers
	own     map[string]setting // dynamic, for this broker
}

// layers are the broker's values, strongest first.
func (b *Broker) layers() layers { return layers{b.own, b.general, b.static} }

// rule finds what decides a broker property.
func (b *Broker) rule(name string) (setting, bool) {
	p, ok := BrokerProperties.Lookup(name)
	if !ok {
		panic("config: no broker property " + name)
	}
	return b.layers().rule(BrokerProperties, p)
}

// Value is the value of a broker property as text, and false where there is no such property, it has no value, or it
// is secret.
func (b *Broker) Value(name string) (string, bool) {
	p, ok := BrokerProperties.Lookup(name)
	if !ok || p.Sensitive() {
		return "", false
	}
	s, ok := b.rule(name)
	return s.value.Text, ok
}

// Syncs says whether a record is synced before it is acknowledged, where its topic does not say otherwise.
func (b *Broker) Syncs() bool { return b.FlushIntervalMessages == 1 }
