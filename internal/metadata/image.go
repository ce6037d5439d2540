package metadata

import (
	"bytes"
	"cmp"
	"iter"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Image is the state of the cluster after a certain record of the metadata log. It never changes; the next image
// shares with it whatever did not change.
type Image struct {
	// Offset is the position in the metadata log of the last entry that the image contains, Epoch the epoch in which it
	// was written. -1 and NoLeaderEpoch before the first.
	Offset record.Offset
	Epoch  record.LeaderEpoch

	clusterID      string
	topics         tree[string, *Topic]
	topicNames     tree[protocol.UUID, string]
	collisions     tree[string, string] // CollisionKey of names that hold '.' or '_'
	configs        tree[Resource, *ConfigSet]
	brokers        tree[NodeID, *Broker]
	features       tree[string, int16]
	nextProducerID int64
	partitions     int
}

// NewImage is the image of a cluster about which nothing was written yet.
func NewImage(clusterID string) *Image {
	return &Image{Offset: -1, Epoch: record.NoLeaderEpoch, clusterID: clusterID}
}

func compareUUID(a, b protocol.UUID) int { return bytes.Compare(a[:], b[:]) }

// ClusterID is the cluster's id, as clients see it.
func (i *Image) ClusterID() string { return i.clusterID }

// Topic finds a topic by its name, nil if there is none.
func (i *Image) Topic(name string) *Topic {
	t, _ := i.topics.get(name, strings.Compare)
	return t
}

// TopicByID finds a topic by its id, nil if there is none.
func (i *Image) TopicByID(id protocol.UUID) *Topic {
	name, ok := i.topicNames.get(id, compareUUID)
	if !ok {
		return nil
	}
	return i.Topic(name)
}

// Topics walks the topics by name.
func (i *Image) Topics() iter.Seq[*Topic] { return values(i.topics) }

// TopicCount is the number of topics, PartitionCount that of partitions.
func (i *Image) TopicCount() int { return i.topics.size }

// PartitionCount is the number of partitions of all topics.
func (i *Image) PartitionCount() int { return i.partitions }

// Partition finds a partition, nil if there is none.
func (i *Image) Partition(tp TopicPartition) *Partition {
	if t := i.Topic(tp.Topic); t != nil {
		return t.Partition(tp.Partition)
	}
	return nil
}

// Colliding returns the topic whose name differs from name at most in '.' and '_', "" if there is none.
func (i *Image) Colliding(name string) string {
	other, _ := i.collisions.get(CollisionKey(name), strings.Compare)
	return other
}

// Broker finds a broker by its id, nil if none is registered.
func (i *Image) Broker(id NodeID) *Broker {
	b, _ := i.brokers.get(id, cmp.Compare[NodeID])
	return b
}

// Brokers walks the registered brokers by id, fenced ones too.
func (i *Image) Brokers() iter.Seq[*Broker] { return values(i.brokers) }

// BrokerCount is the number of registered brokers, fenced ones too.
func (i *Image) BrokerCount() int { return i.brokers.size }

// LiveBrokers walks the brokers that are not fenced, by id.
func (i *Image) LiveBrokers() iter.Seq[*Broker] {
	return func(yield func(*Broker) bool) {
		for _, b := range i.brokers.all() {
			if !b.Fenced && !yield(b) {
				return
			}
		}
	}
}

// Config returns what was set for a resource; the empty set if nothing was.
func (i *Image) Config(r Resource) *ConfigSet {
	set, _ := i.configs.get(r, Resource.Compare)
	return set
}

// ConfigResources walks the resources for which something was set.
func (i *Image) ConfigResources() iter.Seq2[Resource, *ConfigSet] { return i.configs.all() }

// Features walks the finalized features and their levels by name.
func (i *Image) Features() iter.Seq2[string, int16] { return i.features.all() }

// Feature is the finalized level of a feature, 0 if it is not in use.
func (i *Image) Feature(name string) int16 {
	level, _ := i.features.get(name, strings.Compare)
	return level
}

// NextProducerID is the first producer id that was not given away yet.
func (i *Image) NextProducerID() int64 { return i.nextProducerID }

func values[K, V any](t tree[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range t.all() {
			if !yield(v) {
				return
			}
		}
	}
}
