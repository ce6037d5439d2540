package api

import (
	"bytes"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// JoinGroup (11), versions 0 to 9. From 1 on a rebalance timeout, from 4 on a new dynamic member is sent back with an id
// first (KIP-394), from 5 on static members (KIP-345), from 7 on the protocol type is echoed (KIP-559), from 8 on a
// reason (KIP-800), from 9 on a leader may be told to skip the assignment (KIP-814).
func (n *Node) joinGroup(c *Call) {
	request := c.Request.(*protocol.JoinGroupRequest)
	join := group.JoinRequest{
		GroupID:                    request.GroupID,
		MemberID:                   request.MemberID,
		InstanceID:                 text(request.GroupInstanceID),
		ClientID:                   c.Client.ID,
		ClientHost:                 c.Client.Host(),
		SessionTimeout:             time.Duration(request.SessionTimeoutMs) * time.Millisecond,
		RebalanceTimeout:           time.Duration(request.RebalanceTimeoutMs) * time.Millisecond,
		ProtocolType:               request.ProtocolType,
		Reason:                     text(request.Reason),
		RequiresKnownMemberID:      c.Version >= 4,
		SupportsSkippingAssignment: c.Version >= 9,
	}
	if err := checkProtocols(request.Protocols); err != nil {
		n.replyJoin(c, group.JoinReply{Err: err, MemberID: request.MemberID})
		return
	}
	for _, p := range request.Protocols {
		join.Protocols = append(join.Protocols, group.Protocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)})
	}
	c.ReleaseFrame()
	n.Groups.Join(join, func(reply group.JoinReply) { n.replyJoin(c, reply) })
}

func (n *Node) replyJoin(c *Call, reply group.JoinReply) {
	response := protocol.NewJoinGroupResponse()
	response.ErrorCode = n.fail(c, reply.Err)
	response.MemberID = reply.MemberID
	response.Members = []protocol.JoinGroupResponseMember{}
	if reply.Err != nil {
		response.GenerationID = -1
		response.ProtocolName = nullFrom(c.Version, 7, "")
		c.Reply(response)
		return
	}
	response.GenerationID = reply.Generation
	response.ProtocolType = orNull(reply.ProtocolType)
	response.ProtocolName = nullFrom(c.Version, 7, reply.Protocol)
	response.Leader, response.SkipAssignment = reply.Leader, reply.SkipAssignment
	for _, m := range reply.Members {
		response.Members = append(response.Members, protocol.JoinGroupResponseMember{
			MemberID: m.MemberID, GroupInstanceID: orNull(m.InstanceID), Metadata: m.Metadata})
	}
	c.Reply(response)
}

// protocolBytesMax bounds what a member may say of itself, in bytes: it is kept for as long as the member lives, sent to
// the leader with that of all others, and written with it.
const protocolBytesMax = 4 << 20

func checkProtocols(protocols []protocol.JoinGroupRequestProtocol) *protocol.Error {
	size := 0
	for i := range protocols {
		size += len(protocols[i].Name) + len(protocols[i].Metadata)
	}
	if size > protocolBytesMax {
		return protocol.Fail(protocol.InvalidRequest, "the member's protocols have %d bytes of metadata; at most %d are kept", size, protocolBytesMax)
	}
	return nil
}

// nullFrom is s, where "" is null from a version on and "" below it.
func nullFrom(version, since int16, s string) *string {
	if s == "" && version >= since {
		return nil
	}
	return &s
}
