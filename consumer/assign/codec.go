package assign

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// EncodeSubscription makes the bytes with which a member describes itself in JoinGroup, in version 3 of Kafka's
// ConsumerProtocolSubscription; older readers skip what they do not know.
func EncodeSubscription(m Member) []byte {
	s := kmsg.NewConsumerMemberMetadata()
	s.Version = 3
	s.Topics, s.UserData, s.Generation = m.Topics, m.UserData, m.Generation
	if m.Rack != "" {
		s.Rack = &m.Rack
	}
	for topic, partitions := range byTopic(m.Owned) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = topic, partitions
		s.OwnedPartitions = append(s.OwnedPartitions, o)
	}
	return s.AppendTo(nil)
}

// DecodeSubscription reads what a member of any client says about itself. ID and InstanceID are not in it. Topics and
// Owned are sorted, each once.
func DecodeSubscription(b []byte) (Member, error) {
	if err := checkVersion(b); err != nil {
		return Member{}, fmt.Errorf("a subscription of %d bytes cannot be read: %w", len(b), err)
	}
	s := kmsg.NewConsumerMemberMetadata()
	if err := s.ReadFrom(b); err != nil {
		// Some clients say version 1 and send no owned partitions: then it is version 0.
		if len(b) < 2 || b[0] != 0 || b[1] != 1 {
			return Member{}, fmt.Errorf("a subscription of %d bytes cannot be read: %w", len(b), err)
		}
		old := append([]byte{0, 0}, b[2:]...)
		s = kmsg.NewConsumerMemberMetadata()
		if err := s.ReadFrom(old); err != nil {
			return Member{}, fmt.Errorf("a subscription of %d bytes cannot be read: %w", len(b), err)
		}
	}
	m := Member{Topics: s.Topics, UserData: s.UserData, Generation: s.Generation}
	if s.Rack != nil {
		m.Rack = *s.Rack
	}
	for _, o := range s.OwnedPartitions {
		for _, p := range o.Partitions {
			m.Owned = append(m.Owned, TopicPartition{Topic: o.Topic, Partition: p})
		}
	}
	slices.Sort(m.Topics)
	m.Topics = slices.Compact(m.Topics)
	m.Owned = sorted(m.Owned)
	return m, nil
}

// EncodeAssignment makes the bytes that a member gets in SyncGroup.
func EncodeAssignment(partitions []TopicPartition) []byte {
	a := kmsg.NewConsumerMemberAssignment()
	for topic, numbers := range byTopic(partitions) {
		t := kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic, t.Partitions = topic, numbers
		a.Topics = append(a.Topics, t)
	}
	return a.AppendTo(nil)
}

// DecodeAssignment reads what a leader of any client has assigned; no bytes are no partitions. The partitions are
// sorted, each once.
func DecodeAssignment(b []byte) ([]TopicPartition, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if err := checkVersion(b); err != nil {
		return nil, fmt.Errorf("an assignment of %d bytes cannot be read: %w", len(b), err)
	}
	a := kmsg.NewConsumerMemberAssignment()
	if err := a.ReadFrom(b); err != nil {
		return nil, fmt.Errorf("an assignment of %d bytes cannot be read: %w", len(b), err)
	}
	var partitions []TopicPartition
	for _, t := range a.Topics {
		for _, p := range t.Partitions {
			if p < 0 {
				return nil, fmt.Errorf("an assignment names partition %d of topic %q, which cannot be", p, t.Topic)
			}
			partitions = append(partitions, TopicPartition{Topic: t.Topic, Partition: p})
		}
	}
	return sorted(partitions), nil
}

// checkVersion refuses versions below 0, as Kafka's clients do. Those to come begin like the one we know.
func checkVersion(b []byte) error {
	if len(b) >= 2 && b[0] >= 0x80 {
		return fmt.Errorf("version %d", int16(binary.BigEndian.Uint16(b)))
	}
	return nil
}

// byTopic yields each topic, in order, with its partitions.
func byTopic(partitions []TopicPartition) func(yield func(string, []int32) bool) {
	return func(yield func(string, []int32) bool) {
		all := sorted(partitions)
		for len(all) > 0 {
			topic := all[0].Topic
			var numbers []int32
			for len(all) > 0 && all[0].Topic == topic {
				numbers = append(numbers, all[0].Partition)
				all = all[1:]
			}
			if !yield(topic, numbers) {
				return
			}
		}
	}
}

func sorted(partitions []TopicPartition) []TopicPartition {
	s := slices.Clone(partitions)
	slices.SortFunc(s, TopicPartition.Compare)
	return slices.Compact(s)
}
