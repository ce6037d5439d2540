package cluster

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/replica"
	"github.com/skein-io/skein/internal/sim/broker"
	"github.com/skein-io/skein/internal/sim/scene"
)

// The bugs of replication, after those of other systems. They are planted around the parts, never in them.
const (
	ReportsUnsynced      scene.Bug = "a follower reports what it has appended as durable"
	DivergenceUnchecked  scene.Bug = "a follower does not say in which epoch it fetched last"
	TruncatesToWatermark scene.Bug = "a replica that begins to follow is cut at its high watermark"
	ShrinkNotAwaited     scene.Bug = "a leader takes its proposed ISR for agreed upon"
	ElectsAnybody        scene.Bug = "a replica outside the ISR is elected"
	MinISRIgnored        scene.Bug = "acks=all is answered with fewer replicas than min.insync.replicas"
	GrowsUnchecked       scene.Bug = "a replica joins the ISR before it holds what is committed"
	LeadsOn              scene.Bug = "a leader goes on after another was elected"
	LeaseIgnored         scene.Bug = "a coordinator goes on though no controller answers its node"
	RotIsCut             scene.Bug = "damage below the durable mark is cut like a torn tail"
	DamageConcealed      scene.Bug = "a replica that is damaged does not say so"
)

// Bugs are all that a cluster can show.
var Bugs = []scene.Bug{ReportsUnsynced, DivergenceUnchecked, TruncatesToWatermark, ShrinkNotAwaited, ElectsAnybody, MinISRIgnored,
	broker.AckBeforeSync, broker.DirectoryNotSynced, broker.MetadataNotSynced, broker.WindowOfOne, broker.ProducersForgotten,
	broker.RetryOffsetWrong, broker.ReadAboveWatermark, broker.RefusesAppended, broker.UnsettledOffsets, broker.CommitBeforeCommitted, broker.OffsetsLostOnReload,
	broker.TruncatedIsCommitted, GrowsUnchecked, LeadsOn, LeaseIgnored, broker.SnapshotNotLoaded, broker.AppendedIsCommitted,
	broker.OffsetsExpireEarly, broker.WallClockSessions, broker.OneMemberID, broker.InstanceNotFenced, broker.GenerationNotCompared,
	broker.RebalanceTimerNotSet, RotIsCut, DamageConcealed, broker.SyncErrorIgnored}

// bugSettings are the properties of a node with a bug, beside the others.
func bugSettings(b scene.Bug) []string {
	switch b {
	case ElectsAnybody:
		return []string{"unclean.leader.election.enable=true"}
	case MinISRIgnored:
		return []string{"min.insync.replicas=1"}
	}
	return []string{"min.insync.replicas=2"}
}

// asked changes a request that a node sends to another.
func (w *ways) asked(request protocol.Message) {
	switch r := request.(type) {
	case *protocol.FetchRequest:
		if w.life.World.Has(DivergenceUnchecked) {
			for i := range r.Topics {
				for j := range r.Topics[i].Partitions {
					r.Topics[i].Partitions[j].LastFetchedEpoch = -1
				}
			}
		}
	case *protocol.ReplicaDurableEndsRequest:
		if w.life.World.Has(ReportsUnsynced) {
			w.eachEnd(r, func(p *protocol.ReplicaDurableEndsRequestPartition, hosted *partition.Partition) {
				p.DurableEndOffset = int64(hosted.LogEnd())
			})
		}
	}
}

func (w *ways) eachEnd(r *protocol.ReplicaDurableEndsRequest, f func(*protocol.ReplicaDurableEndsRequestPartition, *partition.Partition)) {
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			p := &r.Topics[i].Partitions[j]
			if hosted := w.life.Host.FindByID(r.Topics[i].TopicID, p.PartitionIndex); hosted != nil {
				f(p, hosted)
			}
		}
	}
}

// began changes the logs of a node that lets its partitions follow the image.
func (l *life) began() {
	if !l.World.Has(TruncatesToWatermark) {
		return
	}
	for _, p := range l.Host.All() {
		if _, leading := p.LeaderEpoch(); !leading {
			_ = p.Log().TruncateTo(p.HighWatermark())
		}
	}
}

// agrees answers a proposal of an ISR before the controller has seen it.
func (c changesOf) agrees(change partition.ISRChange, done func(partition.ISRState, error)) bool {
	if !c.life.World.Has(ShrinkNotAwaited) {
		return false
	}
	state := partition.ISRState{Leader: c.life.self(), LeaderEpoch: change.LeaderEpoch, PartitionEpoch: change.PartitionEpoch, ISR: nodesOf(change.ISR)}
	c.life.Machine.After(0, func() { done(state, nil) })
	return true
}

func nodesOf(members []replica.Member) (nodes []metadata.NodeID) {
	for _, m := range members {
		nodes = append(nodes, m.Node)
	}
	return nodes
}

// unchecked adds every replica that lives to a proposal of an ISR.
func (c changesOf) unchecked(change *partition.ISRChange) {
	image := c.life.quorum.Image()
	topic := image.TopicByID(change.TopicID)
	if !c.life.World.Has(GrowsUnchecked) || topic == nil || topic.Partition(change.Partition) == nil {
		return
	}
	for _, id := range topic.Partition(change.Partition).Replicas {
		b := image.Broker(id)
		if b.Active() && !slices.Contains(nodesOf(change.ISR), id) {
			change.ISR = append(change.ISR, replica.Member{Node: id, BrokerEpoch: b.Epoch})
		}
	}
}

// leadsOnFor is how long a node with the bug LeadsOn does not heed images from one on that takes a partition from it.
const leadsOnFor = 3 * time.Second

// late is what a node with the bug has not heeded yet.
type late struct {
	images []func()
}

// heedsLate says that an image is to be applied later.
func (l *life) heedsLate(image *metadata.Image, apply func()) bool {
	if !l.World.Has(LeadsOn) || len(l.late.images) == 0 && !l.resigns(image) {
		return false
	}
	l.late.images = append(l.late.images, apply)
	if len(l.late.images) == 1 {
		l.Machine.After(leadsOnFor, func() {
			images := l.late.images
			l.late.images = nil
			for _, apply := range images {
				apply()
			}
		})
	}
	return true
}

// resigns says that an image takes a partition from this node.
func (l *life) resigns(image *metadata.Image) bool {
	for _, p := range l.Host.All() {
		topic := image.TopicByID(p.TopicID)
		if _, leading := p.LeaderEpoch(); leading && topic != nil && topic.Partition(p.Name.Partition).Leader != l.self() {
			return true
		}
	}
	return false
}
