package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// open settles what the request asks: with a session what the session holds and the request changes, without one what
// the request says.
func (f *fetchCall) open() error {
	id, epoch := f.request.SessionID, f.request.SessionEpoch
	byID := f.call.Version >= 13
	if err := f.identify(); err != nil {
		return err
	}
	if epoch != sessionEpochInitial && epoch != sessionEpochFinal {
		return f.resume(id, epoch, byID)
	}
	if id != sessionIDNone {
		f.node.sessions.end(id)
	}
	f.whole = true
	f.asked = f.named()
	if epoch == sessionEpochInitial && len(f.asked) > 0 {
		f.session = f.node.sessions.create(f.asked, byID, f.follower != nil)
	}
	return nil
}

// identify finds out whether a replica asks. One names itself in ReplicaState, and speaks through the listener of the
// brokers.
func (f *fetchCall) identify() error {
	id := f.request.ReplicaState.ReplicaID
	if f.call.Version < 15 {
		id = f.request.ReplicaID
	}
	if id < 0 {
		return nil
	}
	follower, err := f.node.follower(f.call, id, f.request.ReplicaState.ReplicaEpoch)
	f.follower = follower
	return err
}

// follower is the node that a request of one broker to another names, refused where no broker can be meant.
func (n *Node) follower(c *Call, id int32, epoch int64) (*partition.Follower, error) {
	if !c.Client.node() {
		return nil, protocol.Fail(protocol.ClusterAuthorizationFailed, "%s is no node of the cluster: a consumer sends replica id -1", c.Client.ID)
	}
	if listener := n.Config().InterBrokerListener; c.Client.Listener != listener {
		return nil, protocol.Fail(protocol.ClusterAuthorizationFailed, "brokers speak to each other by the listener %s; this is %s: a consumer sends replica id -1",
			listener, c.Client.Listener)
	}
	node := metadata.NodeID(id)
	broker := n.Image().Broker(node)
	if id < 0 || broker == nil {
		return nil, protocol.Fail(protocol.InvalidRequest, "no broker %d is registered here; a consumer sends replica id -1", id)
	}
	f := &partition.Follower{Node: node, Epoch: metadata.BrokerEpoch(epoch)}
	f.Eligible = broker.Active() && broker.Epoch == f.Epoch
	return f, nil
}

// resume applies an incremental request to its session.
func (f *fetchCall) resume(id, epoch int32, byID bool) error {
	session := f.node.sessions.find(id)
	if session == nil {
		return protocol.Fail(protocol.FetchSessionIDNotFound, "fetch session %d is not known here: it was replaced, or began on another node", id)
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	if err := session.advance(epoch, byID); err != nil {
		return err
	}
	added := f.named()
	if !session.hasRoom(added) {
		return protocol.Fail(protocol.FetchSessionIDNotFound, "fetch session %d has ended, or cannot take %d partitions more: all sessions hold %d at most",
			id, len(added), sessionWeightMax)
	}
	for _, p := range added {
		session.put(p)
	}
	for i := range f.request.ForgottenTopicsData {
		forgotten := &f.request.ForgottenTopicsData[i]
		for _, partition := range forgotten.Partitions {
			session.forget(fetchKey{topic: forgotten.Topic, topicID: forgotten.TopicID, partition: partition})
		}
	}
	f.session, f.asked = session, session.list()
	return nil
}

// named lists the partitions that the request itself holds.
func (f *fetchCall) named() []*fetchPartition {
	n := 0
	for i := range f.request.Topics {
		n += len(f.request.Topics[i].Partitions)
	}
	backing := make([]fetchPartition, 0, n)
	asked := make([]*fetchPartition, 0, n)
	for i := range f.request.Topics {
		topic := &f.request.Topics[i]
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			backing = append(backing, fetchPartition{
				fetchKey:          fetchKey{topic: topic.Topic, topicID: topic.TopicID, partition: p.Partition},
				fetchOffset:       record.Offset(p.FetchOffset),
				logStart:          record.Offset(p.LogStartOffset),
				currentEpoch:      record.LeaderEpoch(p.CurrentLeaderEpoch),
				lastFetchedEpoch:  record.LeaderEpoch(p.LastFetchedEpoch),
				bytesMax:          p.PartitionMaxBytes,
				toldHighWatermark: -1,
				toldLogStart:      -1,
			})
			asked = append(asked, &backing[len(backing)-1])
		}
	}
	return asked
}
