package api

import (
	"slices"
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// DeleteGroups (42), versions 0 to 3: removes groups without members, and their offsets. A group named twice is
// answered once, as in Kafka. A message from 3 on.
func (n *Node) deleteGroups(c *Call) {
	request := c.Request.(*protocol.DeleteGroupsRequest)
	names := slices.Clone(request.GroupsNames)
	slices.Sort(names)
	names = slices.Compact(names)
	response := protocol.NewDeleteGroupsResponse()
	response.Results = make([]protocol.DeleteGroupsResponseDeletableGroupResult, len(names))
	if len(names) == 0 {
		c.Reply(response)
		return
	}
	var waiting atomic.Int32
	waiting.Store(int32(len(names)))
	for i, id := range names {
		result := &response.Results[i]
		result.GroupID = id
		n.Groups.Delete(id, func(reply group.DeleteReply) {
			result.ErrorCode, result.ErrorMessage = n.failText(c, reply.Err)
			if waiting.Add(-1) == 0 {
				c.Reply(response)
			}
		})
	}
}
