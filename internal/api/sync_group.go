package api

import (
	"bytes"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// SyncGroup (14), versions 0 to 5. From 3 on static members, from 5 on protocol type and name are mandatory and echoed
// (KIP-559).
func (n *Node) syncGroup(c *Call) {
	request := c.Request.(*protocol.SyncGroupRequest)
	if c.Version >= 5 && (request.ProtocolType == nil || request.ProtocolName == nil) {
		n.replySync(c, group.SyncReply{Err: protocol.Fail(protocol.InconsistentGroupProtocol,
			"SyncGroup version %d must name the protocol type and the protocol", c.Version)})
		return
	}
	sync := group.SyncRequest{
		GroupID:      request.GroupID,
		MemberID:     request.MemberID,
		InstanceID:   text(request.GroupInstanceID),
		Generation:   request.GenerationID,
		ProtocolType: request.ProtocolType,
		Protocol:     request.ProtocolName,
	}
	for _, a := range request.Assignments {
		sync.Assignments = append(sync.Assignments, group.Assignment{MemberID: a.MemberID, Data: bytes.Clone(a.Assignment)})
	}
	c.ReleaseFrame()
	n.Groups.Sync(sync, func(reply group.SyncReply) { n.replySync(c, reply) })
}

func (n *Node) replySync(c *Call, reply group.SyncReply) {
	response := protocol.NewSyncGroupResponse()
	response.ErrorCode = n.fail(c, reply.Err)
	response.Assignment = []byte{}
	if reply.Err == nil {
		response.ProtocolType, response.ProtocolName = orNull(reply.ProtocolType), orNull(reply.Protocol)
		response.Assignment = reply.Assignment
	}
	c.Reply(response)
}
