package metadata

import "strconv"

// InternalTopicSettings are the broker's settings for one of Kafka's own topics.
type InternalTopicSettings struct {
	Partitions int32 // offsets.topic.num.partitions, transaction.state.log.num.partitions
	// ReplicationFactor is what was set; 0 where nothing was set: then it is 3, or as many brokers as live if they
	// are fewer.
	ReplicationFactor int16
	SegmentBytes      int32 // offsets.topic.segment.bytes, transaction.state.log.segment.bytes
}

// Setting is one name and value of a configuration.
type Setting struct{ Name, Value string }

// InternalTopicConfig is the configuration with which Kafka's own topics are created; nil for another topic.
func InternalTopicConfig(name string, settings InternalTopicSettings) []Setting {
	segment := Setting{"segment.bytes", strconv.Itoa(int(settings.SegmentBytes))}
	switch name {
	case ConsumerOffsetsTopic:
		return []Setting{{"cleanup.policy", "compact"}, {"compression.type", "producer"}, segment}
	case TransactionStateTopic:
		return []Setting{
			{"cleanup.policy", "compact"}, {"compression.type", "uncompressed"}, segment,
			{"unclean.leader.election.enable", "false"},
		}
	}
	return nil
}

// InternalReplicationFactor is how many replicas one of Kafka's own topics gets in the cluster as it is: what was set,
// or min(3, live brokers), at least 1.
func (i *Image) InternalReplicationFactor(settings InternalTopicSettings) int16 {
	if settings.ReplicationFactor > 0 {
		return settings.ReplicationFactor
	}
	var live int16
	for range i.LiveBrokers() {
		live++
	}
	return min(max(live, 1), 3)
}
