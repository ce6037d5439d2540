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

// learns says whether a follower is to be told of a high watermark now. A new session begins with one answer that tells it.
func (f *fetchCall) learns(p *fetchPartition, r *read) bool {
	if !f.hastens {
		return false
	}
	f.session.mu.Lock()
	defer f.session.mu.Unlock()
	return r.highWatermark > p.toldHighWatermark
}
