package api

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// LeaveGroup (13), versions 0 to 5. From 3 on several members at once, by id or instance id, each with its own answer
// (KIP-345); below it the one member's error is the answer. From 5 on a reason (KIP-800).
func (n *Node) leaveGroup(c *Call) {
	request := c.Request.(*protocol.LeaveGroupRequest)
	leave := group.LeaveRequest{GroupID: request.GroupID}
	if c.Version < 3 {
		leave.Members = []group.LeavingMember{{MemberID: request.MemberID}}
	}
	for _, m := range request.Members {
		leave.Members = append(leave.Members, group.LeavingMember{
			MemberID: m.MemberID, InstanceID: text(m.GroupInstanceID), Reason: text(m.Reason)})
	}
	c.ReleaseFrame()
	n.Groups.Leave(leave, func(reply group.LeaveReply) {
		response := protocol.NewLeaveGroupResponse()
		response.ErrorCode = n.fail(c, reply.Err)
		if c.Version < 3 && reply.Err == nil && len(reply.Members) == 1 {
			response.ErrorCode = n.fail(c, reply.Members[0].Err)
		}
		response.Members = []protocol.LeaveGroupResponseMemberResponse{}
		if c.Version >= 3 {
			for _, m := range reply.Members {
				response.Members = append(response.Members, protocol.LeaveGroupResponseMemberResponse{
					MemberID: m.MemberID, GroupInstanceID: orNull(m.InstanceID), ErrorCode: n.fail(c, m.Err)})
			}
		}
		c.Reply(response)
	})
}
