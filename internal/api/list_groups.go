package api

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// ListGroups (16), versions 0 to 5: the groups that this node coordinates. From 4 on filtered by state, from 5 on by
// type; an unknown state or type gives none.
func (n *Node) listGroups(c *Call) {
	request := c.Request.(*protocol.ListGroupsRequest)
	n.Groups.List(request.StatesFilter, request.TypesFilter, func(groups []group.ListedGroup, err *protocol.Error) {
		response := protocol.NewListGroupsResponse()
		response.ErrorCode = n.fail(c, err)
		response.Groups = []protocol.ListGroupsResponseListedGroup{}
		for _, g := range groups {
			response.Groups = append(response.Groups, protocol.ListGroupsResponseListedGroup{
				GroupID: g.GroupID, ProtocolType: g.ProtocolType, GroupState: g.State, GroupType: g.Type})
		}
		c.Reply(response)
	})
}
