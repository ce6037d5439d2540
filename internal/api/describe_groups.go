package api

import (
	"slices"
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeGroups (15), versions 0 to 6: state and members of groups. Assignments only while a group is Stable. A group
// that does not exist is "Dead", from 6 on with GROUP_ID_NOT_FOUND (KIP-1043). A group named twice is answered once.
func (n *Node) describeGroups(c *Call) {
	request := c.Request.(*protocol.DescribeGroupsRequest)
	names := distinct(request.Groups)
	response := protocol.NewDescribeGroupsResponse()
	response.Groups = make([]protocol.DescribeGroupsResponseDescribedGroup, len(names))
	if len(names) == 0 {
		c.Reply(response)
		return
	}
	var waiting atomic.Int32
	waiting.Store(int32(len(names)))
	for i, id := range names {
		answer := &response.Groups[i]
		answer.Default()
		answer.GroupID = id
		answer.AuthorizedOperations = rights(request.IncludeAuthorizedOperations, groupRights)
		n.Groups.Describe(id, func(reply group.DescribeReply) {
			n.describedGroup(c, answer, reply)
			if waiting.Add(-1) == 0 {
				c.Reply(response)
			}
		})
	}
}

// distinct returns the names in their order, each once.
func distinct(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

func (n *Node) describedGroup(c *Call, answer *protocol.DescribeGroupsResponseDescribedGroup, reply group.DescribeReply) {
	answer.GroupState, answer.ProtocolType, answer.ProtocolData = reply.State, reply.ProtocolType, reply.Protocol
	answer.Members = []protocol.DescribeGroupsResponseDescribedGroupMember{}
	if protocol.CodeOf(reply.Err) != protocol.GroupIDNotFound || c.Version >= 6 {
		answer.ErrorCode, answer.ErrorMessage = n.failText(c, reply.Err)
	}
	if answer.ErrorCode != protocol.None {
		answer.AuthorizedOperations = rightsOmitted
	}
	for _, m := range reply.Members {
		answer.Members = append(answer.Members, protocol.DescribeGroupsResponseDescribedGroupMember{
			MemberID: m.MemberID, GroupInstanceID: orNull(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost,
			MemberMetadata: orNoBytes(m.Metadata), MemberAssignment: orNoBytes(m.Assignment)})
	}
}

func orNoBytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
