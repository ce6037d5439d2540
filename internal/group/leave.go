package group

import "github.com/skein-io/skein/internal/protocol"

// Leave is a LeaveGroup request (key 13).
type Leave struct {
	Token Token
	LeaveRequest
}

// LeaveRequest names the members that go. Below v3 it is one.
type LeaveRequest struct {
	GroupID string
	Members []LeavingMember
}

// LeavingMember is a member that goes. With an InstanceID and no MemberID an operator removes a static member (S6).
type LeavingMember struct {
	MemberID   string
	InstanceID string
	Reason     string // v5+ (KIP-800); only shown
}

// LeaveReply answers LeaveGroup: one entry for each of the request's, in order. Below v3 the only entry's Err is the
// answer.
type LeaveReply struct {
	Err     *protocol.Error
	Members []LeftMember
}

// LeftMember says whether a member is gone.
type LeftMember struct {
	MemberID   string
	InstanceID string
	Err        *protocol.Error
}

// leave is L1, L2 and S6.
func (s *Shard) leave(e *Leave) {
	g := s.groups[e.GroupID]
	r := &LeaveReply{Members: make([]LeftMember, len(e.Members))}
	gone, reasonOfGone := "", ""
	for i := range e.Members {
		l := &e.Members[i]
		r.Members[i] = LeftMember{MemberID: l.MemberID, InstanceID: l.InstanceID}
		id, err := s.leaveOne(g, e.GroupID, l)
		r.Members[i].Err = err
		if id != "" {
			gone, reasonOfGone = id, l.Reason
		}
	}
	s.reply(e.Token, r)
	if gone != "" {
		s.afterRemoval(g, gone, reason{what: Left, ours: "a member left", clients: reasonOfGone})
	}
	if g != nil {
		s.maybeEndJoin(g)
	}
}

// leaveOne removes one member. The id is that of a full member that is gone.
func (s *Shard) leaveOne(g *group, groupID string, l *LeavingMember) (id string, err *protocol.Error) {
	if g == nil {
		return "", protocol.Fail(protocol.UnknownMemberID, "leave: there is no group %q", groupID)
	}
	id = l.MemberID
	if id == "" {
		known, ok := g.static[l.InstanceID]
		if l.InstanceID == "" || !ok {
			return "", protocol.Fail(protocol.UnknownMemberID, "leave: group %q has no member with group.instance.id %q", groupID, l.InstanceID)
		}
		id = known
	} else if p := g.pending.get(id); p != nil {
		s.forget(g, p)
		return "", nil
	}
	m, err := s.identify(g, id, l.InstanceID, "leave")
	if err != nil {
		return "", err
	}
	s.note(MemberRemoved, g, id, reason{what: Left, ours: "it left", clients: l.Reason})
	s.drop(g, m, protocol.Fail(protocol.UnknownMemberID, "member %q left group %q", id, groupID))
	return id, nil
}
