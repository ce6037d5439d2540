package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/controllerlink"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/sim"
)

// ways are the connections of a node to the others, one for each node and purpose, as in package skein. They are
// partition.Peers and quorum.Transport.
type ways struct {
	life  *life
	wires map[way]*wire
}

type way struct {
	node    metadata.NodeID
	purpose purpose
}

type purpose uint8

const (
	forQuorum  purpose = iota // raft's messages
	forRecords                // Fetch of followers: long polls
	forEnds                   // ReplicaDurableEnds
)

// These are package peer's.
const (
	requestTimeout = 30 * time.Second
	connectTimeout = 10 * time.Second
)

// Send implements quorum.Transport.
func (w *ways) Send(to quorum.Member, messages [][]byte) {
	request := protocol.NewQuorumMessagesRequest()
	request.ClusterID, request.FromNodeID, request.ToNodeID = clusterID, int32(w.life.self()), int32(to.ID)
	for _, m := range messages {
		request.Messages = append(request.Messages, protocol.QuorumMessagesRequestMessage{Data: m})
	}
	w.wire(way{to.ID, forQuorum}).Ask(request, func(_ protocol.Message, _ int16, err error) { // raft says again what is lost
		if errors.Is(err, sim.ErrRefused) && !w.life.Ended && !w.life.dying {
			w.life.world.Reach("connection to a member refused")
			w.life.raft.Refused(to.ID)
			w.life.workSoon()
		}
	})
}

// Ask implements partition.Peers.
func (w *ways) Ask(to metadata.NodeID, request protocol.Message, done func(protocol.Message, int16, error)) {
	purpose := forEnds
	if request.Key() == protocol.KeyFetch {
		purpose = forRecords
	}
	w.asked(request)
	w.wire(way{to, purpose}).Ask(request, done)
}

func (w *ways) wire(at way) *wire {
	if w.wires[at] == nil {
		w.wires[at] = &wire{life: w.life, name: fmt.Sprint("node ", at.node), limit: requestTimeout, address: func() (string, bool) { return w.address(at) }}
	}
	return w.wires[at]
}

func (w *ways) address(at way) (string, bool) {
	if at.purpose == forQuorum {
		return addressOf(at.node, controllerPort), true
	}
	b := w.life.quorum.Image().Broker(at.node)
	if b == nil {
		return "", false
	}
	e, ok := b.Endpoint(brokerListener)
	return fmt.Sprintf("%s:%d", e.Host, e.Port), ok
}

// toController is a connection to the controller listener of a member of the quorum.
func (w *ways) toController(node metadata.NodeID, limit time.Duration, down func(error)) controllerlink.Connection {
	return &wire{life: w.life, name: fmt.Sprint("controller ", node), limit: limit, down: down,
		address: func() (string, bool) { return addressOf(node, controllerPort), true }}
}
