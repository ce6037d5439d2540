package group

import (
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Inspect asks for all that is known of a group's committed offsets: skein's own, for DescribeGroupLag (0x4003).
type Inspect struct {
	Token   Token
	GroupID string
}

// InspectReply answers it, as everything was at one time. It reads what is under the high watermark, as OffsetFetch does.
type InspectReply struct {
	Err          *protocol.Error // GROUP_ID_NOT_FOUND
	At           Instant
	State        string
	ProtocolType string
	Topics       []InspectedTopic // sorted
}

// InspectedTopic is the partitions of one topic that have an offset or a member, sorted.
type InspectedTopic struct {
	Name       string
	Partitions []InspectedPartition
}

// InspectedPartition is one partition. Without a committed offset, Offset is -1 and the rest of OffsetValue says nothing.
type InspectedPartition struct {
	Partition int32
	OffsetValue
	// Expiry is when the offset expires if the group stays as it is and commits nothing; NoInstant is never.
	Expiry Instant
	// MemberID has the partition; "" is nobody, or nobody knows: the assignment is read of consumers only.
	MemberID string
}

// inspect is N1 and N9 of skein's own promises: the commits, for the lag, and when they expire.
func (s *Shard) inspect(e *Inspect) {
	g := s.groups[e.GroupID]
	if g == nil {
		s.reply(e.Token, &InspectReply{At: s.now, State: Dead.String(),
			Err: protocol.Fail(protocol.GroupIDNotFound, "there is no group %q", e.GroupID)})
		return
	}
	found := make(map[string]map[int32]*InspectedPartition)
	s.inspectOffsets(g, found)
	g.inspectMembers(found)
	s.reply(e.Token, &InspectReply{At: s.now, State: g.state.String(), ProtocolType: g.protocolType, Topics: sortedTopics(found)})
}

func sortedTopics(found map[string]map[int32]*InspectedPartition) []InspectedTopic {
	var topics []InspectedTopic
	for name, partitions := range found {
		t := InspectedTopic{Name: name, Partitions: make([]InspectedPartition, 0, len(partitions))}
		for _, p := range partitions {
			t.Partitions = append(t.Partitions, *p)
		}
		slices.SortFunc(t.Partitions, func(a, b InspectedPartition) int { return int(a.Partition) - int(b.Partition) })
		topics = append(topics, t)
	}
	slices.SortFunc(topics, func(a, b InspectedTopic) int { return strings.Compare(a.Name, b.Name) })
	return topics
}

// inspectOffsets notes what is committed, under the high watermark, and when it expires.
func (s *Shard) inspectOffsets(g *group, found map[string]map[int32]*InspectedPartition) {
	offsets := s.offsets.byGroup[g.id]
	if offsets == nil {
		return
	}
	for name, t := range offsets.byTopic {
		for index, entry := range t.entries {
			if v := &entry.committed; v.present {
				p := inspected(found, name, index)
				p.OffsetValue, p.Expiry = v.OffsetValue, s.foreseen(g, name, &v.OffsetValue)
			}
		}
	}
}

// inspectMembers notes who has which partition. An assignment that cannot be read says nothing.
func (g *group) inspectMembers(found map[string]map[int32]*InspectedPartition) {
	if !g.usesConsumerProtocol() || g.state != Stable {
		return
	}
	for m := g.members.first; m != nil; m = m.next {
		assigned, _, err := protocol.DecodeAssignment(m.assignment)
		if err != nil {
			continue
		}
		for _, t := range assigned.AssignedPartitions {
			for _, index := range t.Partitions {
				inspected(found, t.Topic, index).MemberID = m.id
			}
		}
	}
}

func inspected(found map[string]map[int32]*InspectedPartition, topic string, index int32) *InspectedPartition {
	partitions := found[topic]
	if partitions == nil {
		partitions = make(map[int32]*InspectedPartition)
		found[topic] = partitions
	}
	p := partitions[index]
	if p == nil {
		p = &InspectedPartition{Partition: index, Expiry: NoInstant, OffsetValue: OffsetValue{Offset: -1, LeaderEpoch: record.NoLeaderEpoch,
			CommitTime: NoInstant, ExpireTime: NoInstant}}
		partitions[index] = p
	}
	return p
}
