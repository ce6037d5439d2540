package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/record"
)

// Quorum is this node's own part of the metadata quorum, for what other nodes ask of it.
type Quorum interface {
	// Leader is who the controller is, as far as this node knows.
	Leader() (metadata.NodeID, record.LeaderEpoch, bool)
	// Submit gives a request to the controller of this process and to no other: NOT_CONTROLLER if it does not lead.
	Submit(request protocol.Message, version int16, done func(protocol.Message, error))
	// HandleMessages takes the quorum's messages from another node. It does not wait.
	HandleMessages(*protocol.QuorumMessagesRequest) error
	// HeartbeatConnectionLost says that the connection ended by which the heartbeats of a broker's registration came.
	HeartbeatConnectionLost(metadata.NodeID, metadata.BrokerEpoch)
	// Status tells how far the members are. done is called once and must not wait.
	Status(done func(quorum.Status, error))
}

// relay gives a request of another node to the controller of this process. A node that asks in vain is told so, and looks
// for the controller again: nothing is sent on a second time.
func relay[Response protocol.Message](n *Node, c *Call, refuse func(protocol.Code, *string) Response) {
	n.Quorum.Submit(c.Request, c.Version, func(message protocol.Message, err error) {
		if err != nil {
			c.Reply(refuse(n.failText(c, err)))
			return
		}
		c.Reply(message)
	})
}
