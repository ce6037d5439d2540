package group

import "github.com/skein-io/skein/internal/protocol"

// Describe is one group of a DescribeGroups request (key 15).
type Describe struct {
	Token   Token
	GroupID string
}

// DescribeReply answers it. With Err GROUP_ID_NOT_FOUND, State is "Dead"; below v6 the error is left out (A2).
type DescribeReply struct {
	Err          *protocol.Error
	GroupID      string
	State        string
	ProtocolType string
	Protocol     string // in Stable only
	Members      []DescribedMember
	Generation   int32 // skein's own
}

// DescribedMember is one member.
type DescribedMember struct {
	MemberID   string
	InstanceID string
	ClientID   string
	ClientHost string
	Metadata   []byte // in Stable only
	Assignment []byte
}

// describe is A2.
func (s *Shard) describe(e *Describe) {
	g := s.groups[e.GroupID]
	if g == nil {
		s.reply(e.Token, &DescribeReply{GroupID: e.GroupID, State: Dead.String(),
			Err: protocol.Fail(protocol.GroupIDNotFound, "describe: there is no group %q", e.GroupID)})
		return
	}
	r := &DescribeReply{GroupID: g.id, State: g.state.String(), ProtocolType: g.protocolType, Generation: g.generation,
		Members: make([]DescribedMember, 0, g.members.len())}
	if g.state == Stable {
		r.Protocol = g.protocol
	}
	for m := g.members.first; m != nil; m = m.next {
		d := DescribedMember{MemberID: m.id, InstanceID: m.instance, ClientID: m.clientID, ClientHost: m.clientHost, Assignment: m.assignment}
		if g.state == Stable {
			d.Metadata = m.metadata(g.protocol)
		}
		r.Members = append(r.Members, d)
	}
	s.reply(e.Token, r)
}
