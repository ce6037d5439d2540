package metadata

import (
	"iter"

	"github.com/skein-io/skein/internal/protocol"
)

// Records walks records that make this image out of an empty one: features first, then brokers, topics each with its
// configuration and partitions, the rest of the configuration, and producer ids. The same image always gives the same
// records. Offset, Epoch and cluster id are not among them.
func (i *Image) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		_ = i.featureRecords(yield) && i.brokerRecords(yield) && i.topicRecords(yield) &&
			i.configRecords(yield) && i.producerIDRecords(yield)
	}
}

func (i *Image) featureRecords(yield func(Record) bool) bool {
	for name, level := range i.Features() {
		if !yield(&protocol.FeatureLevelRecord{Name: name, FeatureLevel: level}) {
			return false
		}
	}
	return true
}

func (i *Image) brokerRecords(yield func(Record) bool) bool {
	for b := range i.Brokers() {
		if !yield(b.record()) {
			return false
		}
	}
	return true
}

func (b *Broker) record() *protocol.RegisterBrokerRecord {
	r := &protocol.RegisterBrokerRecord{
		BrokerID: int32(b.ID), IncarnationID: b.Incarnation, BrokerEpoch: int64(b.Epoch), Rack: b.Rack,
		Fenced: b.Fenced, InControlledShutdown: b.ControlledShutdown, LogDirs: b.LogDirs,
	}
	for _, e := range b.Endpoints {
		r.EndPoints = append(r.EndPoints, protocol.RegisterBrokerRecordBrokerEndpoint{
			Name: e.Listener, Host: e.Host, Port: e.Port, SecurityProtocol: e.SecurityProtocol,
		})
	}
	for _, f := range b.Features {
		r.Features = append(r.Features, protocol.RegisterBrokerRecordBrokerFeature{
			Name: f.Name, MinSupportedVersion: f.Min, MaxSupportedVersion: f.Max,
		})
	}
	return r
}

func (i *Image) topicRecords(yield func(Record) bool) bool {
	for t := range i.Topics() {
		if !yield(&protocol.TopicRecord{Name: t.Name, TopicID: t.ID}) {
			return false
		}
		resource := Resource{TopicResource, t.Name}
		if !configRecords(resource, i.Config(resource), yield) {
			return false
		}
		for p := range t.Partitions() {
			if !yield(p.Record(t.ID)) {
				return false
			}
		}
	}
	return true
}

// Record is the record that creates the partition as it is.
func (p *Partition) Record(topic protocol.UUID) *protocol.PartitionRecord {
	r := &protocol.PartitionRecord{
		PartitionID: p.Index, TopicID: topic, Replicas: Int32s(p.Replicas), Isr: Int32s(p.ISR),
		RemovingReplicas: Int32s(p.Removing), AddingReplicas: Int32s(p.Adding), Leader: int32(p.Leader),
		LeaderEpoch: int32(p.LeaderEpoch), PartitionEpoch: int32(p.Epoch), Directories: p.Directories,
		EligibleLeaderReplicas: Int32s(p.ELR), LastKnownElr: Int32s(p.LastKnownELR),
	}
	if p.Recovering {
		r.LeaderRecoveryState = recovering
	}
	return r
}

// configRecords walks the configuration of everything but topics that exist: theirs stands beside the topic.
func (i *Image) configRecords(yield func(Record) bool) bool {
	for resource, set := range i.ConfigResources() {
		if resource.Type == TopicResource && i.Topic(resource.Name) != nil {
			continue
		}
		if !configRecords(resource, set, yield) {
			return false
		}
	}
	return true
}

func configRecords(resource Resource, set *ConfigSet, yield func(Record) bool) bool {
	for name, value := range set.All() {
		if !yield(ConfigRecord(resource, name, &value)) {
			return false
		}
	}
	return true
}

// ConfigRecord is the record that sets one name of a resource, or removes it if value is nil.
func ConfigRecord(resource Resource, name string, value *string) *protocol.ConfigRecord {
	return &protocol.ConfigRecord{
		ResourceType: int8(resource.Type), ResourceName: resource.Name, Name: name, Value: value,
	}
}

func (i *Image) producerIDRecords(yield func(Record) bool) bool {
	if i.nextProducerID == 0 {
		return true
	}
	return yield(&protocol.ProducerIDsRecord{
		BrokerID: int32(NoNode), BrokerEpoch: int64(NoBrokerEpoch), NextProducerID: i.nextProducerID,
	})
}
