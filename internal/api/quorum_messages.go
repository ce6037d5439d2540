package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// QuorumMessages (0x4004), version 0, skein's own: raft's messages from another node of the quorum. They are answered when
// they are taken, not when they are carried out: what they lead to comes back as messages of this node.
func (n *Node) quorumMessages(c *Call) {
	request, response := c.Request.(*protocol.QuorumMessagesRequest), protocol.NewQuorumMessagesResponse()
	if err := n.Quorum.HandleMessages(request); err != nil {
		response.ErrorCode, response.ErrorMessage = n.failText(c, err)
	} else if n.Heard != nil {
		n.Heard(metadata.NodeID(request.FromNodeID), request.FromAddress)
	}
	c.Reply(response)
}
