package api

import (
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// Heartbeat (12), versions 0 to 4. In a stable group it is held until there is something to tell, a later request
// arrives on the connection, or its usual interval has passed; group.heartbeat.hold.enable turns that off.
func (n *Node) heartbeat(c *Call) {
	request := c.Request.(*protocol.HeartbeatRequest)
	c.ReleaseFrame()
	nudge := n.Groups.Heartbeat(group.HeartbeatRequest{
		GroupID:    request.GroupID,
		MemberID:   request.MemberID,
		InstanceID: text(request.GroupInstanceID),
		Generation: request.GenerationID,
		Aside:      coordinator.GoesOnAside(c.Client.SoftwareName),
		Behind:     coordinator.WaitsBehind(c.Client.SoftwareName),
	}, func(reply group.HeartbeatReply) {
		response := protocol.NewHeartbeatResponse()
		response.ErrorCode = n.fail(c, reply.Err)
		c.Reply(response)
	})
	c.OnLater(nudge)
}
