package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/record"
)

// Fetching from followers (KIP-392). With replica.selector.class a leader sends a consumer that names its rack (client.rack) to
// the replica there: PreferredReadReplica, and no records. A follower serves whoever asks it from version 11 on, whether sent
// or not, in its leader epoch and up to its own high watermark: what lies between that and its log's end is waited for, what
// lies beyond is OFFSET_OUT_OF_RANGE, by which clients go back to the leader. All that is as in Kafka.
//
// A follower learns of a high watermark with the answer to its fetch. The leader does not hold that fetch back where
// consumers may wait for it.

// settleNear finds out what of this concerns the call.
func (f *fetchCall) settleNear() {
	if f.node.Config().ReplicaSelector == "" {
		return
	}
	f.hastens = f.follower != nil && f.session != nil
	rack := f.request.RackID
	if f.follower != nil || f.call.Version < 11 || rack == "" {
		return
	}
	f.near = func(node metadata.NodeID) bool {
		b := f.node.Image().Broker(node)
		if !b.Active() || b.Rack == nil || *b.Rack != rack {
			return false
		}
		_, reachable := b.Endpoint(f.call.Client.Listener)
		return reachable
	}
}

// checkEpoch says whether this node serves who asks, in the epoch in which they believe.
func (f *fetchCall) checkEpoch(hosted *partition.Partition, believed record.LeaderEpoch) error {
	if f.follower == nil && f.call.Version >= 11 {
		return hosted.CheckServing(believed)
	}
	return hosted.CheckEpoch(believed)
}

// learns says whether a follower is to be told of a high watermark now: where it was told of none yet, in this session or this leader
// epoch or since its log went another way. Until it is, it does not know that its log is as this one, and the leader does not know
// what it has durably. Later only where consumers may wait for it.
func (f *fetchCall) learns(p *fetchPartition, r *read) bool {
	if f.follower == nil || f.session == nil {
		return false
	}
	f.session.mu.Lock()
	defer f.session.mu.Unlock()
	return p.toldHighWatermark < 0 || f.hastens && r.highWatermark > p.toldHighWatermark
}
