package quorum

import (
	"errors"
	"net"
	"net/netip"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// joinQuorum answers a node that wants to be a member, see Join, or that asks who the members are. Whatever the answer
// is, it says what this node knows of the cluster: whoever asks the wrong node finds the right one by it. Errors are in the
// response.
func (n *Node) joinQuorum(r *protocol.JoinQuorumRequest, done func(protocol.Message, error)) {
	answer := func(err error) { done(n.quorumKnown(err), nil) }
	if r.ClusterID == nil {
		answer(nil)
		return
	}
	if err := n.checkCluster(r.ClusterID, "node %d", r.NodeID); err != nil {
		answer(err)
		return
	}
	if _, member := members(n.Members()).find(metadata.NodeID(r.NodeID)); !member {
		if err := n.checkReach(metadata.NodeID(r.NodeID), r.Address); err != nil {
			answer(err)
			return
		}
	}
	n.Join(Member{ID: metadata.NodeID(r.NodeID), Directory: r.DirectoryID, Address: r.Address}, func(_ []Member, err error) { answer(err) })
}

// quorumKnown is what this node knows of the cluster, with an error or without.
func (n *Node) quorumKnown(err error) *protocol.JoinQuorumResponse {
	response := protocol.NewJoinQuorumResponse()
	response.ClusterID = n.config.ClusterID
	if leader, _, ok := n.Leader(); ok {
		response.LeaderID = int32(leader)
	}
	for _, m := range n.Members() {
		response.Members = append(response.Members, protocol.JoinQuorumResponseMember{NodeID: int32(m.ID), DirectoryID: m.Directory, Address: m.Address, Voter: m.Voter})
	}
	if err != nil {
		reason := err.Error()
		if e, ok := errors.AsType[*protocol.Error](err); ok {
			reason = e.Reason
		}
		response.ErrorCode, response.ErrorMessage = protocol.CodeOf(err), &reason
	}
	return response
}

// checkCluster refuses who means another cluster. Kafka's requests may leave the cluster open.
func (n *Node) checkCluster(id *string, who string, args ...any) error {
	if id == nil || *id == n.config.ClusterID {
		return nil
	}
	return protocol.Fail(protocol.InconsistentClusterID, who+" means cluster %q, this is cluster %q", append(args, *id, n.config.ClusterID)...)
}

// checkReach refuses a member that could reach this node, or be reached by it, on one machine only.
func (n *Node) checkReach(id metadata.NodeID, address string) error {
	own := n.config.Address
	switch {
	case own == "":
		return protocol.Fail(protocol.InvalidRequest, "node %d has no address at which node %d could reach it: set listeners, and restart it", n.config.NodeID, id)
	case loopback(own) && !loopback(address):
		return protocol.Fail(protocol.InvalidRequest, "node %d is the controller and listens at %s, which only its own machine reaches; node %d at %s could not: "+
			"set listeners and advertised.listeners of node %d to an address that the others reach, and restart it", n.config.NodeID, own, id, address, n.config.NodeID)
	case !loopback(own) && loopback(address):
		return protocol.Fail(protocol.InvalidRequest, "node %d says that it listens at %s, which only its own machine reaches; the controller, node %d, is at %s: "+
			"set listeners and advertised.listeners of node %d to an address that the others reach", id, address, n.config.NodeID, own, id)
	}
	return nil
}

// loopback says whether only the machine itself reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// addRaftVoter carries out Kafka's AddRaftVoter (KIP-853): a learner becomes a voter. It must have joined by itself, so
// where it listens is known, and what the request says of that is not looked at. What a moment may mend is
// REQUEST_TIMED_OUT, as Kafka has it: ask again.
func (n *Node) addRaftVoter(r *protocol.AddRaftVoterRequest, done func(protocol.Message, error)) {
	id := metadata.NodeID(r.VoterID)
	n.changeVoters(r.ClusterID, protocol.NewAddRaftVoterResponse(), done, func() (*raftpb.ConfChangeSingle, members, error) {
		known, member := n.members.find(id)
		switch {
		case id < 0 || r.VoterDirectoryID.IsZero() || len(r.Listeners) == 0:
			return nil, nil, protocol.Fail(protocol.InvalidRequest, "a voter to be added has an id of 0 or more, a directory id and a listener; "+
				"node %d has directory %s and %d listeners", id, r.VoterDirectoryID, len(r.Listeners))
		case !member:
			return nil, nil, protocol.Fail(protocol.RequestTimedOut, "node %d has not joined: start it with controller.quorum.bootstrap.servers; the members are %v", id, nodeIDs(n.members))
		case !known.Voter && !known.Directory.IsZero() && known.Directory != r.VoterDirectoryID:
			return nil, nil, protocol.Fail(protocol.RequestTimedOut, "node %d has joined with the log directory %s, not %s", id, known.Directory, r.VoterDirectoryID)
		}
		single, after, err := n.planVoter(id)
		if e, ok := errors.AsType[*protocol.Error](err); ok && e.Code == protocol.IneligibleReplica {
			err = protocol.Fail(protocol.RequestTimedOut, "%s", e.Reason)
		}
		return single, after, err
	})
}

// removeRaftVoter carries out Kafka's RemoveRaftVoter (KIP-853). A voter that lives may join again, and is a learner then.
func (n *Node) removeRaftVoter(r *protocol.RemoveRaftVoterRequest, done func(protocol.Message, error)) {
	id := metadata.NodeID(r.VoterID)
	n.changeVoters(r.ClusterID, protocol.NewRemoveRaftVoterResponse(), done, func() (*raftpb.ConfChangeSingle, members, error) {
		known, member := n.members.find(id)
		switch {
		case id < 0 || r.VoterDirectoryID.IsZero() && !known.Directory.IsZero():
			return nil, nil, protocol.Fail(protocol.InvalidRequest, "a voter to be removed has an id of 0 or more and a directory id; node %d has directory %s", id, r.VoterDirectoryID)
		case member && known.Voter && !known.Directory.IsZero() && known.Directory != r.VoterDirectoryID:
			return nil, nil, protocol.Fail(protocol.VoterNotFound, "voter %d has the log directory %s, not %s", id, known.Directory, r.VoterDirectoryID)
		}
		return n.planRemoval(id, true)
	})
}

// changeVoters has the voters changed for a request.
func (n *Node) changeVoters(cluster *string, response protocol.Message, done func(protocol.Message, error), plan func() (*raftpb.ConfChangeSingle, members, error)) {
	if err := n.checkCluster(cluster, "the request"); err != nil {
		done(nil, err)
		return
	}
	n.change(func(_ []Member, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(response, nil)
	}, plan)
}

// forgetting has a learner forgotten with its broker: nobody would take it out of the quorum otherwise. One that lives
// joins again.
func (n *Node) forgetting(broker metadata.NodeID, done func(protocol.Message, error)) func(protocol.Message, error) {
	return func(response protocol.Message, err error) {
		if r, ok := response.(*protocol.UnregisterBrokerResponse); ok && err == nil && r.ErrorCode == protocol.None {
			if m, member := members(n.Members()).find(broker); member && !m.Voter {
				n.RemoveLearner(broker, func([]Member, error) {}) // if another change is under way it stays, and costs a heartbeat
			}
		}
		done(response, err)
	}
}
