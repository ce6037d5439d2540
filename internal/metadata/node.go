package metadata

import "strconv"

// NodeID is the number of a node (node.id, broker.id), 0 or more.
type NodeID int32

// NoNode stands where there is no node: a partition without a leader.
const NoNode NodeID = -1

// String is the number in decimal.
func (n NodeID) String() string { return strconv.Itoa(int(n)) }

// BrokerEpoch tells one registration of a broker from the next. It only grows. NoBrokerEpoch stands where none is
// known.
type BrokerEpoch int64

// NoBrokerEpoch is what the wire says where a broker epoch is not known.
const NoBrokerEpoch BrokerEpoch = -1

// PartitionEpoch counts the changes of a partition's metadata (KIP-497). It only grows.
type PartitionEpoch int32

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is the name as Kafka prints it and as its folder is called: "topic-3".
func (tp TopicPartition) String() string {
	return tp.Topic + "-" + strconv.Itoa(int(tp.Partition))
}

// Compare orders partitions by topic, then by number.
func (tp TopicPartition) Compare(other TopicPartition) int {
	switch {
	case tp.Topic < other.Topic:
		return -1
	case tp.Topic > other.Topic:
		return 1
	}
	return int(tp.Partition) - int(other.Partition)
}

// Names of features.
const (
	// FeatureELR is Kafka's feature by which eligible leader replicas are kept; they are from level 1 on (KIP-966).
	FeatureELR = "eligible.leader.replicas.version"
	// VolatileFeature is skein's own. A broker registers with levels 0 to 1 of it if a crash may take records that it has
	// acknowledged; it is never finalized.
	VolatileFeature = "skein.volatile"
)
