package group

import "github.com/skein-io/skein/internal/protocol"

// Delete is one group of a DeleteGroups request (key 42).
type Delete struct {
	Token   Token
	GroupID string
}

// DeleteReply answers it.
type DeleteReply struct{ Err *protocol.Error }

// Refuse is for a write that failed.
func (*DeleteReply) Refuse(err *protocol.Error) Body { return &DeleteReply{Err: err} }

// delete is A5: the offsets first, then the group, so that a group whose deletion was cut off can be deleted again.
func (s *Shard) delete(e *Delete) {
	g := s.groups[e.GroupID]
	switch {
	case g == nil:
		s.reply(e.Token, &DeleteReply{protocol.Fail(protocol.GroupIDNotFound, "delete: there is no group %q", e.GroupID)})
		return
	case g.state != Empty:
		s.reply(e.Token, &DeleteReply{protocol.Fail(protocol.NonEmptyGroup, "delete: group %q is %v with %d members", g.id, g.state, g.members.len())})
		return
	}
	if offsets := s.offsets.byGroup[g.id]; offsets != nil {
		for _, name := range offsets.topicNames() {
			t := offsets.byTopic[name]
			for _, p := range t.partitions() {
				if t.entries[p].latest.present {
					s.append(Record{Kind: OffsetRemoved, Group: g.id, Topic: name, Partition: p})
				}
			}
		}
	}
	s.removeGroup(g)
	s.replyWhenCommitted(e.Token, new(DeleteReply))
}
