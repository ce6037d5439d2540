package metadata

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Apply returns the image after some records and what differs from the one before. It changes nothing. An error says
// that the records do not belong to this image: the log is damaged, or was written by a newer skein.
func Apply(image *Image, records []Record) (*Image, *Delta, error) {
	b := NewBuilder(image)
	for _, r := range records {
		if err := b.Apply(r); err != nil {
			return nil, nil, err
		}
	}
	next, delta := b.Done()
	return next, delta, nil
}

// Builder applies many records to one image. Cheaper than Apply for each, for what was copied once is changed in place.
// One goroutine uses it. After an error, or after Done, it is used no more.
type Builder struct {
	before *Image
	next   Image
	edit   *edit
	topics map[protocol.UUID]*topicEdit
	ids    []protocol.UUID // keys of topics in the order of their first change

	configs  map[Resource]struct{}
	brokers  map[NodeID]struct{}
	features map[string]struct{}
}

// topicEdit is a topic that this builder changed.
type topicEdit struct {
	before  *Topic
	after   *Topic // a copy of our own; nil once it is deleted
	changed map[int32]struct{}
}

// NewBuilder starts from an image.
func NewBuilder(image *Image) *Builder {
	return &Builder{before: image, next: *image, edit: &edit{}}
}

// At says that the records up to this position of the metadata log have been applied.
func (b *Builder) At(offset record.Offset, epoch record.LeaderEpoch) {
	b.next.Offset, b.next.Epoch = offset, epoch
}

// Apply applies one record.
func (b *Builder) Apply(r Record) error {
	switch r := r.(type) {
	case *protocol.TopicRecord:
		return b.topic(r)
	case *protocol.RemoveTopicRecord:
		return b.removeTopic(r)
	case *protocol.PartitionRecord:
		return b.partition(r)
	case *protocol.PartitionChangeRecord:
		return b.partitionChange(r)
	case *protocol.ConfigRecord:
		b.config(r)
		return nil
	case *protocol.ProducerIDsRecord:
		return b.producerIDs(r)
	case *protocol.RegisterBrokerRecord:
		b.registerBroker(r)
		return nil
	case *protocol.BrokerRegistrationChangeRecord:
		return b.brokerChange(r)
	case *protocol.UnregisterBrokerRecord:
		return b.unregisterBroker(r)
	case *protocol.FeatureLevelRecord:
		b.feature(r)
		return nil
	case *protocol.NoOpRecord:
		return nil
	}
	return fmt.Errorf("metadata record %T is not known", r)
}

// Done returns the image and what differs from the one before.
func (b *Builder) Done() (*Image, *Delta) {
	d := &Delta{ProducerIDs: b.next.nextProducerID != b.before.nextProducerID}
	for _, id := range b.ids {
		if change, ok := b.topics[id].change(); ok {
			d.Topics = append(d.Topics, change)
		}
	}
	for r := range b.configs {
		d.Configs = append(d.Configs, r)
	}
	for n := range b.brokers {
		d.Brokers = append(d.Brokers, n)
	}
	for f := range b.features {
		d.Features = append(d.Features, f)
	}
	d.sort()
	next := b.next
	b.edit = nil // nobody changes in place what is now seen by others
	return &next, d
}

func (b *Builder) config(r *protocol.ConfigRecord) {
	resource := Resource{ResourceType(r.ResourceType), r.ResourceName}
	set, _ := b.next.configs.get(resource, Resource.Compare)
	if r.Value == nil {
		set = set.Without(r.Name)
	} else {
		set = set.With(r.Name, *r.Value)
	}
	b.setConfig(resource, set)
}

func (b *Builder) setConfig(resource Resource, set *ConfigSet) {
	if set.Len() == 0 {
		b.next.configs = b.next.configs.del(b.edit, resource, Resource.Compare)
	} else {
		b.next.configs = b.next.configs.set(b.edit, resource, set, Resource.Compare)
	}
	mark(&b.configs, resource)
}

func (b *Builder) producerIDs(r *protocol.ProducerIDsRecord) error {
	if r.NextProducerID < b.next.nextProducerID {
		return fmt.Errorf("next producer id goes back from %d to %d", b.next.nextProducerID, r.NextProducerID)
	}
	b.next.nextProducerID = r.NextProducerID
	return nil
}

func (b *Builder) feature(r *protocol.FeatureLevelRecord) {
	if r.FeatureLevel == 0 {
		b.next.features = b.next.features.del(b.edit, r.Name, strings.Compare)
	} else {
		b.next.features = b.next.features.set(b.edit, r.Name, r.FeatureLevel, strings.Compare)
	}
	mark(&b.features, r.Name)
}

func (b *Builder) registerBroker(r *protocol.RegisterBrokerRecord) {
	broker := &Broker{
		ID: NodeID(r.BrokerID), Epoch: BrokerEpoch(r.BrokerEpoch), Incarnation: r.IncarnationID, Rack: r.Rack,
		LogDirs: r.LogDirs, Fenced: r.Fenced, ControlledShutdown: r.InControlledShutdown,
	}
	for _, e := range r.EndPoints {
		broker.Endpoints = append(broker.Endpoints, Endpoint{e.Name, e.Host, e.Port, e.SecurityProtocol})
	}
	for _, f := range r.Features {
		broker.Features = append(broker.Features, FeatureRange{f.Name, f.MinSupportedVersion, f.MaxSupportedVersion})
	}
	b.setBroker(broker)
}

func (b *Builder) setBroker(broker *Broker) {
	b.next.brokers = b.next.brokers.set(b.edit, broker.ID, broker, cmp.Compare[NodeID])
	mark(&b.brokers, broker.ID)
}

// registered finds the broker that a record speaks of, in the epoch that it speaks of.
func (b *Builder) registered(id int32, epoch int64) (*Broker, error) {
	broker := b.next.Broker(NodeID(id))
	if broker == nil {
		return nil, fmt.Errorf("broker %d is not registered", id)
	}
	if broker.Epoch != BrokerEpoch(epoch) {
		return nil, fmt.Errorf("broker %d is registered in epoch %d, not in %d", id, broker.Epoch, epoch)
	}
	return broker, nil
}

func (b *Builder) brokerChange(r *protocol.BrokerRegistrationChangeRecord) error {
	broker, err := b.registered(r.BrokerID, r.BrokerEpoch)
	if err != nil {
		return err
	}
	next := *broker
	if r.Fenced != 0 {
		next.Fenced = r.Fenced > 0
	}
	if r.InControlledShutdown != 0 {
		next.ControlledShutdown = r.InControlledShutdown > 0
	}
	if len(r.LogDirs) > 0 {
		next.LogDirs = r.LogDirs
	}
	b.setBroker(&next)
	return nil
}

func (b *Builder) unregisterBroker(r *protocol.UnregisterBrokerRecord) error {
	broker, err := b.registered(r.BrokerID, r.BrokerEpoch)
	if err != nil {
		return err
	}
	b.next.brokers = b.next.brokers.del(b.edit, broker.ID, cmp.Compare[NodeID])
	mark(&b.brokers, broker.ID)
	return nil
}

func mark[K comparable](set *map[K]struct{}, key K) {
	if *set == nil {
		*set = make(map[K]struct{})
	}
	(*set)[key] = struct{}{}
}
