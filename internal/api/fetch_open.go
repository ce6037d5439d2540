package api

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// open settles what the request asks: with a session what the session holds and the request changes, without one what
// the request says.
func (f *fetchCall) open() error {
	id, epoch := f.request.SessionID, f.request.SessionEpoch
	byID := f.call.Version >= 13
	if f.request.ReplicaID >= 0 || f.request.ReplicaState.ReplicaID >= 0 {
		return protocol.Fail(protocol.InvalidRequest, "this node has no followers; a consumer sends replica id -1")
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
		f.session = f.node.sessions.create(f.asked, byID)
	}
	return nil
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
