package config

import (
	"maps"
	"slices"
	"time"
)

// Topic is the configuration of one topic: what it says itself, and the broker's values for the rest. It does not
// change once it is resolved.
type Topic struct {
	CleanupPolicy         []string      `property:"cleanup.policy"`
	CompressionType       string        `property:"compression.type"`
	CompressionGzipLevel  int           `property:"compression.gzip.level"`
	CompressionLz4Level   int           `property:"compression.lz4.level"`
	CompressionZstdLevel  int           `property:"compression.zstd.level"`
	DeleteRetention       time.Duration `property:"delete.retention.ms"`
	FileDeleteDelay       time.Duration `property:"file.delete.delay.ms"`
	FlushMessages         int64         `property:"flush.messages"` // 1: synced before it is acknowledged
	FlushInterval         time.Duration `property:"flush.ms"`
	IndexInterval         Bytes         `property:"index.interval.bytes"`
	CompactionLagMax      time.Duration `property:"max.compaction.lag.ms"`
	CompactionLagMin      time.Duration `property:"min.compaction.lag.ms"`
	CleanableRatioMin     float64       `property:"min.cleanable.dirty.ratio"`
	MessageMax            Bytes         `property:"max.message.bytes"`
	TimestampType         string        `property:"message.timestamp.type"`
	TimestampBeforeMax    time.Duration `property:"message.timestamp.before.max.ms"`
	TimestampAfterMax     time.Duration `property:"message.timestamp.after.max.ms"`
	InsyncReplicasMin     int           `property:"min.insync.replicas"`
	RetentionBytes        Bytes         `property:"retention.bytes"`
	Retention             time.Duration `property:"retention.ms"`
	Segment               Bytes         `property:"segment.bytes"`
	SegmentIndex          Bytes         `property:"segment.index.bytes"`
	SegmentAgeMax         time.Duration `property:"segment.ms"`
	SegmentJitter         time.Duration `property:"segment.jitter.ms"`
	UncleanLeaderElection bool          `property:"unclean.leader.election.enable"`
	LeaderThrottled       []string      `property:"leader.replication.throttled.replicas"`
	FollowerThrottled     []string      `property:"follower.replication.throttled.replicas"`
	InternalSegment       Bytes         `property:"internal.segment.bytes"` // 0 where it is not set
}

// Compacts says whether the log keeps the latest record of each key.
func (t *Topic) Compacts() bool { return slices.Contains(t.CleanupPolicy, "compact") }

// Deletes says whether the log loses its oldest records by age or size.
func (t *Topic) Deletes() bool { return slices.Contains(t.CleanupPolicy, "delete") }

// LogAppendTime says whether records bear the broker's time.
func (t *Topic) LogAppendTime() bool { return t.TimestampType == "LogAppendTime" }

// Syncs says whether a record is synced before it is acknowledged.
func (t *Topic) Syncs() bool { return t.FlushMessages == 1 }

// Topic resolves what a topic says itself. An error is Faults.
func (b *Broker) Topic(overrides map[string]string) (*Topic, error) {
	layer, faults := parseOverrides(TopicProperties, overrides, SourceDynamicTopic)
	if err := faults.asError(); err != nil {
		return nil, err
	}
	t := &Topic{}
	bind(t, func(name string) (setting, bool) {
		p, ok := TopicProperties.Lookup(name)
		if !ok {
			panic("config: no topic property " + name)
		}
		chain := b.inheritedChain(p, layer)
		if len(chain) == 0 {
			return setting{}, false
		}
		return chain[0], true
	})
	if t.InternalSegment > 0 {
		t.Segment = t.InternalSegment
	}
	if t.CompactionLagMin > t.CompactionLagMax {
		return nil, compactionLagFaults(t)
	}
	return t, nil
}

// parseOverrides parses the values of a topic or group in the order of their names.
func parseOverrides(r *Registry, overrides map[string]string, source Source) (map[string]setting, Faults) {
	layer := make(map[string]setting, len(overrides))
	var faults Faults
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		p, v, fault := r.parse(Assignment{Name: name, Value: overrides[name]})
		if fault != nil {
			faults = append(faults, fault)
			continue
		}
		layer[name] = newSetting(p, v, source, "")
	}
	return layer, faults
}

// inheritedChain is the settings that decide a topic's or group's property, strongest first: its own, then those of
// the broker properties among its synonyms, then its default where the broker has none.
func (b *Broker) inheritedChain(p *Property, layer map[string]setting) []setting {
	var chain []setting
	if s, ok := layer[p.Name]; ok {
		chain = append(chain, s)
	}
	inherited := b.synonymChain(p)
	if len(inherited) == 0 && p.Default != nil {
		inherited = []setting{defaultSetting(p)}
	}
	return append(chain, inherited...)
}

// synonymChain is the broker's settings of all synonyms of p, by source and then by synonym.
func (b *Broker) synonymChain(p *Property) []setting {
	var chain []setting
	for _, layer := range b.layers() {
		for _, name := range p.Synonyms {
			if s, ok := layer[name]; ok {
				chain = append(chain, s)
			}
		}
	}
	for _, name := range p.Synonyms {
		if q, ok := BrokerProperties.Lookup(name); ok && q.Default != nil {
			chain = append(chain, defaultSetting(q))
		}
	}
	return chain
}

func compactionLagFaults(t *Topic) Faults {
	return Faults{{
		Name:   "min.compaction.lag.ms",
		Value:  t.CompactionLagMin.String(),
		Reason: "is more than max.compaction.lag.ms (" + t.CompactionLagMax.String() + ")",
	}}
}

// ValidateTopic says why overrides cannot be a topic's configuration; nil if they can. The reason is what a client is
// told with INVALID_CONFIG.
func (b *Broker) ValidateTopic(overrides map[string]string) error {
	_, err := b.Topic(overrides)
	return err
}

// ValidateGroup says why overrides cannot be the configuration of a group; nil if they can.
func ValidateGroup(overrides map[string]string) error {
	_, faults := parseOverrides(GroupProperties, overrides, SourceGroup)
	return faults.asError()
}
