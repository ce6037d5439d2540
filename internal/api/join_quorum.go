package api

import "github.com/skein-io/skein/internal/protocol"

// JoinQuorum (0x4006), version 0, skein's own: a node that is no member of the metadata quorum asks the leader to be one, or
// any node which cluster it is of. Whoever does not lead says who does.
func (n *Node) joinQuorum(c *Call) {
	n.Quorum.Submit(c.Request, c.Version, func(message protocol.Message, err error) {
		if err != nil { // the node ends, or has lost its log
			response := protocol.NewJoinQuorumResponse()
			response.ErrorCode, response.ErrorMessage = n.failText(c, err)
			c.Reply(response)
			return
		}
		response := message.(*protocol.JoinQuorumResponse)
		n.noteCode(c, response.ErrorCode, response.ErrorMessage)
		c.Reply(response)
	})
}
