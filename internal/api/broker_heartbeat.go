package api

import (
	"sync"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// BrokerHeartbeat (63), versions 0 to 1, from another node: a broker's sign of life and what it wants to become (KIP-631).
// The connection is remembered: when it ends, the broker has not long to come back by another.
func (n *Node) brokerHeartbeat(c *Call) {
	request := c.Request.(*protocol.BrokerHeartbeatRequest)
	n.beats.heard(c.Client, metadata.NodeID(request.BrokerID), metadata.BrokerEpoch(request.BrokerEpoch))
	relay(n, c, func(code protocol.Code, _ *string) *protocol.BrokerHeartbeatResponse {
		response := protocol.NewBrokerHeartbeatResponse()
		response.ErrorCode = code
		return response
	})
}

// Ended is told of each connection that ends.
func (n *Node) Ended(client *Client) {
	for broker, epoch := range n.beats.ended(client) {
		n.Quorum.HeartbeatConnectionLost(broker, epoch)
	}
}

// beats knows by which connection the last heartbeat of each broker came: the end of an older one says nothing.
type beats struct {
	mu   sync.Mutex
	last map[metadata.NodeID]beat
}

type beat struct {
	client *Client
	epoch  metadata.BrokerEpoch
}

func (b *beats) heard(client *Client, broker metadata.NodeID, epoch metadata.BrokerEpoch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.last = map[metadata.NodeID]beat{}
	}
	b.last[broker] = beat{client, epoch}
}

// ended forgets the brokers whose last heartbeat came by a connection, and returns them. There are few brokers.
func (b *beats) ended(client *Client) (lost map[metadata.NodeID]metadata.BrokerEpoch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for broker, last := range b.last {
		if last.client == client {
			if lost == nil {
				lost = map[metadata.NodeID]metadata.BrokerEpoch{}
			}
			lost[broker] = last.epoch
			delete(b.last, broker)
		}
	}
	return lost
}
