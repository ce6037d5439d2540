package group

import (
	"github.com/skein-io/skein/internal/protocol"
)

// DeleteOffsets is an OffsetDelete request (key 47).
type DeleteOffsets struct {
	Token Token
	DeleteOffsetsRequest
}

// DeleteOffsetsRequest names the offsets to remove.
type DeleteOffsetsRequest struct {
	GroupID string
	Topics  []FetchTopic // ID is not used
}

// DeleteOffsetsReply answers it. Without Err all is removed but the offsets of the topics in Subscribed.
type DeleteOffsetsReply struct {
	Err *protocol.Error
	// Subscribed holds for each topic of the request, in its order, nil or why its offsets were kept.
	Subscribed []*protocol.Error
}

// Refuse is for a write that failed.
func (*DeleteOffsetsReply) Refuse(err *protocol.Error) Body { return &DeleteOffsetsReply{Err: err} }

// deleteOffsets is O17.
func (s *Shard) deleteOffsets(e *DeleteOffsets) {
	g := s.groups[e.GroupID]
	switch {
	case g == nil:
		s.reply(e.Token, &DeleteOffsetsReply{Err: protocol.Fail(protocol.GroupIDNotFound, "offset delete: there is no group %q", e.GroupID)})
		return
	case g.state != Empty && !g.usesConsumerProtocol():
		s.reply(e.Token, &DeleteOffsetsReply{Err: protocol.Fail(protocol.NonEmptyGroup,
			"offset delete: group %q has %d members of type %q, so it cannot be told which topics they need", g.id, g.members.len(), g.protocolType)})
		return
	}
	r := &DeleteOffsetsReply{Subscribed: make([]*protocol.Error, len(e.Topics))}
	before := s.seq
	for i := range e.Topics {
		t := &e.Topics[i]
		if g.subscribes(t.Name) {
			r.Subscribed[i] = protocol.Fail(protocol.GroupSubscribedToTopic, "offset delete: group %q is subscribed to %q", g.id, t.Name)
			continue
		}
		for _, p := range t.Partitions {
			if entry := s.offsets.find(g.id, t.Name, p); entry != nil && entry.latest.present {
				s.append(Record{Kind: OffsetRemoved, Group: g.id, Topic: t.Name, Partition: p})
			}
		}
	}
	if s.seq == before {
		s.reply(e.Token, r)
		return
	}
	s.replyWhenCommitted(e.Token, r)
}
