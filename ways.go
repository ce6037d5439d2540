package skein

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// ways are the connections to the other nodes: one for each node and purpose, because a node answers the requests of one
// connection in their order, and some wait long. They are partition.Peers and quorum.Transport.
type ways struct {
	config  peer.Config
	cluster string
	self    metadata.NodeID
	// broker is where a node's broker listens for other brokers.
	broker func(metadata.NodeID) (string, bool)
	logger *slog.Logger

	mu      sync.Mutex
	peers   map[way]*peer.Peer
	members map[metadata.NodeID]string // controller listeners, as the quorum has them
	absent  map[metadata.NodeID]bool   // members that refused the last connection to them
	refused func(metadata.NodeID)      // is told of those; nil before the quorum is open
	closed  bool
}

type way struct {
	node    metadata.NodeID
	purpose purpose
}

type purpose uint8

const (
	forQuorum  purpose = iota // raft's messages
	forRecords                // Fetch of followers: long polls
	forEnds                   // ReplicaDurableEnds, and whatever else is answered at once
)

func newWays(config peer.Config, cluster string, self metadata.NodeID, logger *slog.Logger) *ways {
	return &ways{config: config, cluster: cluster, self: self, logger: logger,
		peers: map[way]*peer.Peer{}, members: map[metadata.NodeID]string{}, absent: map[metadata.NodeID]bool{}}
}

// Send implements quorum.Transport.
func (w *ways) Send(to quorum.Member, messages [][]byte) {
	request := protocol.NewQuorumMessagesRequest()
	request.ClusterID, request.FromNodeID, request.ToNodeID = w.cluster, int32(w.self), int32(to.ID)
	for _, m := range messages {
		request.Messages = append(request.Messages, protocol.QuorumMessagesRequestMessage{Data: m})
	}
	if to.Address != "" {
		w.mu.Lock()
		w.members[to.ID] = to.Address
		w.mu.Unlock()
	}
	w.ask(way{to.ID, forQuorum}, request, func(response protocol.Message, _ int16, err error) {
		if r, ok := response.(*protocol.QuorumMessagesResponse); ok && r.ErrorCode != protocol.None {
			reason := ""
			if r.ErrorMessage != nil {
				reason = *r.ErrorMessage
			}
			err = protocol.Fail(r.ErrorCode, "%s", reason)
		}
		w.note(to.ID, errors.Is(err, syscall.ECONNREFUSED))
		if err != nil { // raft says it again
			w.logger.Debug("messages of the metadata quorum did not arrive", "node", to.ID, "error", err)
		}
	})
}

// note says whether anybody listens where a member should.
func (w *ways) note(member metadata.NodeID, absent bool) {
	w.mu.Lock()
	w.absent[member] = absent
	tell := w.refused
	w.mu.Unlock()
	if absent && tell != nil {
		tell(member)
	}
}

// deserted says whether so many voters are not there that nobody can be elected.
func (w *ways) deserted(all []quorum.Member) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	voters, there := 0, 0
	for _, m := range all {
		if m.Voter {
			voters++
			if !w.absent[m.ID] {
				there++
			}
		}
	}
	return there <= voters/2
}

// tellRefused names who is told of members that refuse connections. It must not wait.
func (w *ways) tellRefused(tell func(metadata.NodeID)) {
	w.mu.Lock()
	w.refused = tell
	w.mu.Unlock()
}

// Ask implements partition.Peers.
func (w *ways) Ask(to metadata.NodeID, request protocol.Message, done func(protocol.Message, int16, error)) {
	purpose := forEnds
	if request.Key() == protocol.KeyFetch {
		purpose = forRecords
	}
	w.ask(way{to, purpose}, request, done)
}

func (w *ways) ask(at way, request protocol.Message, done peer.Done) {
	p, err := w.peer(at)
	if err != nil {
		done(nil, 0, err)
		return
	}
	p.Ask(request, done)
}

func (w *ways) peer(at way) (*peer.Peer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, protocol.Fail(protocol.NetworkException, "this node is shutting down")
	}
	p := w.peers[at]
	if p == nil {
		config := w.config
		config.Node = fmt.Sprintf("node %d", at.node)
		p = peer.New(func() (string, bool) { return w.address(at) }, config)
		w.peers[at] = p
	}
	return p, nil
}

func (w *ways) address(at way) (string, bool) {
	if at.purpose != forQuorum {
		return w.broker(at.node)
	}
	return w.controller(at.node)
}

// controller is where a member of the quorum listens.
func (w *ways) controller(node metadata.NodeID) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	address, ok := w.members[node]
	return address, ok
}

func (w *ways) close() {
	w.mu.Lock()
	w.closed = true
	peers := w.peers
	w.peers = nil
	w.mu.Unlock()
	for _, p := range peers {
		_ = p.Close()
	}
}

// brokerAddress is where a broker listens for other brokers, by the image.
func brokerAddress(image *metadata.Image, listener string, node metadata.NodeID) (string, bool) {
	b := image.Broker(node)
	if b == nil {
		return "", false
	}
	e, ok := b.Endpoint(listener)
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))), ok
}
