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
	"github.com/skein-io/skein/internal/partition"
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
	own     string // where the others reach this node's part of the quorum
	// broker is where a node's broker listens for other brokers.
	broker func(metadata.NodeID) (string, bool)
	// stranger is told when the leader does not take this node for a member. It must not wait.
	stranger func()
	logger   *slog.Logger

	mu    sync.Mutex
	peers map[way]*peer.Peer
	// Controller listeners: what was last heard of each, and what the quorum's members had when they were last looked at. A
	// node that comes back at another address is heard before the members know, or the members know before it is heard.
	last, logged map[metadata.NodeID]string
	absent       map[metadata.NodeID]bool // members that refused the last connection to them
	refused      func(metadata.NodeID)    // is told of those; nil before the quorum is open
	closed       bool
}

type way struct {
	node    metadata.NodeID
	purpose purpose
	number  int // of several for the same purpose
}

type purpose uint8

const (
	forQuorum  purpose = iota // raft's messages
	forRecords                // Fetch of followers: long polls
	forEnds                   // ReplicaDurableEnds, and whatever else is answered at once
)

func newWays(config peer.Config, cluster string, self metadata.NodeID, own string, logger *slog.Logger) *ways {
	return &ways{config: config, cluster: cluster, self: self, own: own, logger: logger, peers: map[way]*peer.Peer{},
		last: map[metadata.NodeID]string{}, logged: map[metadata.NodeID]string{}, absent: map[metadata.NodeID]bool{}}
}

// heard notes where a node says that it is reached, or the configuration.
func (w *ways) heard(node metadata.NodeID, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.last[node]; address != "" && (ok || len(w.last) < addressesMax) {
		w.last[node] = address
	}
}

// told notes where a node is reached by what another says, if nothing better is known.
func (w *ways) told(node metadata.NodeID, address string) {
	if _, ok := w.controller(node); !ok {
		w.heard(node, address)
	}
}

// member notes where a node is reached by the quorum's members. It counts when it has changed: before that the node or
// the configuration may know better.
func (w *ways) member(m quorum.Member) {
	w.mu.Lock()
	before, known := w.logged[m.ID]
	if known || len(w.logged) < addressesMax {
		w.logged[m.ID] = m.Address
	}
	w.mu.Unlock()
	switch {
	case !known:
		w.told(m.ID, m.Address)
	case before != m.Address:
		w.heard(m.ID, m.Address)
	}
}

// addressesMax bounds how many nodes' addresses are kept, strangers' too.
const addressesMax = 1 << 10

// Send implements quorum.Transport.
func (w *ways) Send(to quorum.Member, messages [][]byte) {
	request := protocol.NewQuorumMessagesRequest()
	request.ClusterID, request.FromNodeID, request.FromAddress, request.ToNodeID = w.cluster, int32(w.self), w.own, int32(to.ID)
	for _, m := range messages {
		request.Messages = append(request.Messages, protocol.QuorumMessagesRequestMessage{Data: m})
	}
	w.member(to)
	w.ask(way{node: to.ID, purpose: forQuorum}, request, func(response protocol.Message, _ int16, err error) {
		if r, ok := response.(*protocol.QuorumMessagesResponse); ok && r.ErrorCode != protocol.None {
			reason := ""
			if r.ErrorMessage != nil {
				reason = *r.ErrorMessage
			}
			err = protocol.Fail(r.ErrorCode, "%s", reason)
			if r.ErrorCode == protocol.UnknownControllerID {
				w.stranger()
			}
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
	w.ask(way{node: to, purpose: forEnds}, request, done)
}

// fetching is the way for the fetches of one of several fetchers.
func (w *ways) fetching(fetcher int) partition.Peers { return fetches{w, fetcher} }

// fetches implements partition.Peers.
type fetches struct {
	ways    *ways
	fetcher int
}

func (f fetches) Ask(to metadata.NodeID, request protocol.Message, done func(protocol.Message, int16, error)) {
	f.ways.ask(way{to, forRecords, f.fetcher}, request, done)
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
	address, ok := w.last[node]
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
