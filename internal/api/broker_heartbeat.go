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
	if beat, ok := n.beats.ended(client); ok {
		n.Quorum.HeartbeatConnectionLost(beat.broker, beat.epoch)
	}
}

// beats knows by which connection the last heartbeat of each broker came: the end of an older one says nothing.
type beats struct {
	mu   sync.Mutex
	last map[*Client]beat
	by   map[metadata.NodeID]*Client
}

// beat is a broker in one of its lives.
type beat struct {
	broker metadata.NodeID
	epoch  metadata.BrokerEpoch
}

func (b *beats) heard(client *Client, broker metadata.NodeID, epoch metadata.BrokerEpoch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.last, b.by = map[*Client]beat{}, map[metadata.NodeID]*Client{}
	}
	if before := b.by[broker]; before != client {
		delete(b.last, before)
		if other, ok := b.last[client]; ok {
			delete(b.by, other.broker)
		}
	}
	b.by[broker], b.last[client] = client, beat{broker, epoch}
}

func (b *beats) ended(client *Client) (beat, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, ok := b.last[client]
	if ok {
		delete(b.last, client)
		delete(b.by, last.broker)
	}
	return last, ok
}
