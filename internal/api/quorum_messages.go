package api

import "github.com/skein-io/skein/internal/protocol"

// QuorumMessages (0x4004), version 0, skein's own: raft's messages from another node of the quorum. They are answered when
// they are taken, not when they are carried out: what they lead to comes back as messages of this node.
func (n *Node) quorumMessages(c *Call) {
	response := protocol.NewQuorumMessagesResponse()
	if err := n.Quorum.HandleMessages(c.Request.(*protocol.QuorumMessagesRequest)); err != nil {
		response.ErrorCode, response.ErrorMessage = n.failText(c, err)
	}
	c.Reply(response)
}
