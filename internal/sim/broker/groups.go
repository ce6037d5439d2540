package broker

import (
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Groups drives the decisions of package group, one shard for each partition of __consumer_offsets that is led here, as
// package coordinator does with goroutines. It keeps the rules of a driver that are written in package group.
type Groups struct {
	process       *Process
	shards        map[int32]*shard
	config        group.Config
	commitTimeout time.Duration
}

// NewGroups makes the groups of a process, without a shard.
func NewGroups(p *Process, sessionMin, commitTimeout time.Duration) *Groups {
	g := &Groups{process: p, shards: map[int32]*shard{}, config: group.DefaultConfig(), commitTimeout: commitTimeout}
	g.config.SessionTimeoutMin = sessionMin
	g.config.InitialDelay = 300 * time.Millisecond
	g.config.CleanupInterval = 2 * time.Second
	g.config.OffsetsRetention = 3 * time.Hour // more than the wall clock is ever moved
	return g
}

// Coordinate hands over the partitions of __consumer_offsets, as the image has them, that this node leads, and takes back
// those that it does not.
func (g *Groups) Coordinate(image *metadata.Image, self metadata.NodeID) {
	topic := image.Topic(metadata.ConsumerOffsetsTopic)
	if topic == nil {
		return
	}
	for p := range topic.Partitions() {
		hosted := g.process.Host.FindByID(topic.ID, p.Index)
		before := g.shards[p.Index]
		switch {
		case p.Leader != self || hosted == nil:
			if before != nil && before.epoch <= p.LeaderEpoch {
				delete(g.shards, p.Index)
				before.resign(p.LeaderEpoch)
			}
		case before == nil || before.epoch < p.LeaderEpoch:
			s := newShard(g, p.Index, p.LeaderEpoch, hosted)
			g.shards[p.Index] = s
			if before != nil {
				before.resign(p.LeaderEpoch)
			}
			s.begin()
		}
	}
}

// Deleted tells the shards of a topic that is gone.
func (g *Groups) Deleted(topic *metadata.Topic) {
	for _, index := range slices.Sorted(maps.Keys(g.shards)) {
		if s := g.shards[index]; s.core != nil {
			s.send(&group.TopicsDeleted{Topics: []group.DeletedTopic{{Name: topic.Name, ID: topic.ID}}}, 0, nil)
		}
	}
}

// LeaseOver has every shard look whether it may go on.
func (g *Groups) LeaseOver() {
	for _, index := range slices.Sorted(maps.Keys(g.shards)) {
		if s := g.shards[index]; s.core != nil {
			s.soon(0)
		}
	}
}

// Close ends every shard, as a node that ends in good order does.
func (g *Groups) Close() {
	for _, index := range slices.Sorted(maps.Keys(g.shards)) {
		s := g.shards[index]
		delete(g.shards, index)
		s.resign(s.epoch)
	}
}

// resign ends a shard: another leads the partition, or this node in another epoch.
func (s *shard) resign(epoch record.LeaderEpoch) {
	s.gone = true
	if s.core != nil && !s.process.Ended {
		s.failed = protocol.Fail(protocol.NotLeaderOrFollower, "the partition is led in epoch %d, not in %d", epoch, s.epoch)
		s.giveUp()
	}
}

// shardOf is the shard of a group, or why it cannot be asked.
func (g *Groups) shardOf(id string) (*shard, *protocol.Error) {
	index := g.process.Finder.PartitionFor(id)
	s := g.shards[index]
	switch {
	case s == nil:
		return nil, protocol.Fail(protocol.NotCoordinator, "partition %d of __consumer_offsets is not here", index)
	case s.core == nil:
		return nil, protocol.Fail(protocol.CoordinatorLoadInProgress, "partition %d of __consumer_offsets is being loaded", index)
	}
	return s, nil
}
