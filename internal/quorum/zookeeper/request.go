package zookeeper

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// Submit gives a request to the controller. done is called once, with the response or with an error that carries the
// code for all of the request: NOT_CONTROLLER, KAFKA_STORAGE_ERROR when the node has stopped, or what the controller says.
// What the response confirms is agreed upon and every subscriber has seen it. done may run on the node's goroutine and must
// not wait. The request is kept until then and must not change.
func (n *Node) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	switch request.(type) {
	case *protocol.JoinQuorumRequest, *protocol.AddRaftVoterRequest, *protocol.RemoveRaftVoterRequest:
		done(nil, protocol.Fail(protocol.InvalidRequest, "node %d has its metadata in ZooKeeper (zookeeper.connect): there is no quorum of voters to join or to leave", n.config.NodeID))
		return
	}
	event := seat.Event(n.config.Random, request, version, func(metadata.NodeID) bool { return false })
	if event == nil {
		done(nil, protocol.Fail(protocol.UnsupportedVersion, "the controller takes no request of type %T", request))
		return
	}
	if err := n.inbox.Put(seat.Message{Event: event, Done: done}); err != nil {
		done(nil, err)
	}
}

// HandleMessages refuses the messages of a quorum of voters: this node is in none.
func (n *Node) HandleMessages(r *protocol.QuorumMessagesRequest) error {
	return protocol.Fail(protocol.InvalidRequest, "node %d has its metadata in ZooKeeper (zookeeper.connect), and node %d sends it messages of a quorum of voters: all nodes of a cluster have the same zookeeper.connect",
		n.config.NodeID, r.FromNodeID)
}

// HeartbeatConnectionLost tells the controller, if this node is it, that the connection has ended over which a broker sent
// its last heartbeat, in the given broker epoch. It does not wait.
func (n *Node) HeartbeatConnectionLost(broker metadata.NodeID, epoch metadata.BrokerEpoch) {
	_ = n.inbox.Put(seat.Message{Work: func(now time.Time) error { // a node that has stopped has no sessions
		return n.step(now, &controller.HeartbeatConnectionLost{Broker: broker, Epoch: epoch})
	}})
}

// Image is the cluster as this node knows it. It never goes back.
func (n *Node) Image() *metadata.Image { return n.images.Image() }

// Subscribe adds a subscriber, which is told of the present image at once; see seat.Images.
func (n *Node) Subscribe(s Subscriber) { n.images.Subscribe(s) }

// Recording is the flight recorder's content; see seat.Seat.
func (n *Node) Recording() []byte { return n.seat.Recording() }

// Waiting is how many requests wait for the controller. Nothing else waits.
func (n *Node) Waiting() (requests, deliveries int) { return n.inbox.Waiting() }

// Decides is false: any other node of the ensemble's could be the controller.
func (n *Node) Decides() bool { return false }

// Alone is false: others may come at any time, and the controller is found through the ensemble.
func (n *Node) Alone() bool { return false }

// Trouble is what does not work for now, nil if nothing is known to.
func (n *Node) Trouble() error {
	if reason := n.trouble.Load(); reason != nil {
		return *reason
	}
	return nil
}

// SessionLeft is for how long this node's session cannot have expired, if ZooKeeper answers no more. A node without that
// may have been fenced already.
func (n *Node) SessionLeft(now time.Time) time.Duration {
	if sure := n.sure.Load(); sure != nil && !sure.IsZero() {
		return sure.Sub(now)
	}
	return 0
}

// Members are the brokers that are registered and live as far as this node knows, sorted by id: each may be the controller.
func (n *Node) Members() []quorum.Member { return membersOf(n.images.Image()) }

func membersOf(image *metadata.Image) []quorum.Member {
	var all []quorum.Member
	for b := range image.Brokers() {
		if b.Fenced {
			continue
		}
		m := quorum.Member{ID: b.ID, Voter: true}
		if len(b.LogDirs) > 0 {
			m.Directory = b.LogDirs[0]
		}
		if len(b.Endpoints) > 0 {
			m.Address = net.JoinHostPort(b.Endpoints[0].Host, strconv.Itoa(int(b.Endpoints[0].Port)))
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b quorum.Member) int { return int(a.ID) - int(b.ID) })
	return all
}

// Status asks for the quorum's status, as DescribeQuorum shows it: the brokers that live. How far each has read the log only
// itself knows. done is called once, on the node's goroutine, and must not wait; the error says that the node has stopped.
func (n *Node) Status(done func(quorum.Status, error)) {
	refuse := func(_ protocol.Message, err error) { done(quorum.Status{}, err) }
	err := n.inbox.Put(seat.Message{Done: refuse, Work: func(now time.Time) error {
		done(n.status(now), nil)
		return nil
	}})
	if err != nil {
		done(quorum.Status{}, err)
	}
}

func (n *Node) status(now time.Time) quorum.Status {
	image := n.images.Image()
	s := quorum.Status{Leader: metadata.NoNode, Epoch: image.Epoch, HighWatermark: n.member.HighWatermark()}
	if leader, epoch, ok := n.Leader(); ok {
		s.Leader, s.Epoch = leader, epoch
	}
	for _, m := range membersOf(image) {
		one := quorum.MemberStatus{Member: m, LogEnd: -1}
		if m.ID == n.config.NodeID {
			one.LogEnd, one.LastContact = image.Offset+1, now
			if s.Leader == m.ID {
				one.LastCaughtUp = now
			}
		}
		s.Members = append(s.Members, one)
	}
	return s
}
