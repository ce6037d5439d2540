package cluster

import (
	"fmt"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// judge is an onlooker that sees into every node. After each thing that a node did it looks at its partitions of the topic and
// of __consumer_offsets:
//
//   - the high watermark never falls while the node hosts the partition, whoever leads (C16).
//
// and of those that it leads:
//
//   - one leader in each leader epoch (C14);
//   - what is below the high watermark of any that takes itself for the leader is durable, in the same epoch, on every
//     member of the ISR that the controllers have agreed upon (StrongIsr, C13), and on min.insync.replicas disks at least.
type judge struct {
	world   *world
	newest  *metadata.Image // the greatest that any node has shown
	leaders map[leadership]metadata.NodeID
	watches map[watched]watch
	images  map[record.Offset]fingerprint
	// What the ensemble has agreed upon: the session that has raised the epoch last, and the epoch.
	prepared bool
	owner    int64
	epoch    record.LeaderEpoch
	durables map[metadata.NodeID]map[replicaKey]record.Offset // of nodes that are down, as they were left
}

type leadership struct {
	replicaKey
	epoch record.LeaderEpoch
}

// replicaKey names a partition by its topic's id.
type replicaKey struct {
	topic protocol.UUID
	index int32
}

// watched is a partition in one life of a node, watch what was last seen of it.
type watched struct {
	replicaKey
	node  metadata.NodeID
	lives int
}

type watch struct {
	hosted        *partition.Partition
	epoch         record.LeaderEpoch // in which it leads, else none
	highWatermark record.Offset
}

// insyncMin is min.insync.replicas of every topic here.
const insyncMin = 2

func newJudge(w *world) *judge {
	return &judge{world: w, newest: metadata.NewImage(clusterID), leaders: map[leadership]metadata.NodeID{}, watches: map[watched]watch{},
		images: map[record.Offset]fingerprint{}, durables: map[metadata.NodeID]map[replicaKey]record.Offset{}}
}

// look looks at what a node hosts.
func (j *judge) look(l *life) {
	if l.Ended || l.dying || l.Host == nil {
		return
	}
	for index := range int32(j.world.options.Partitions) {
		j.lookAt(l, l.Host.Find(topicName, index))
	}
	for index := range int32(offsetsPartitions) {
		j.lookAt(l, l.Host.Find(metadata.ConsumerOffsetsTopic, index))
	}
}

func (j *judge) lookAt(l *life, p *partition.Partition) {
	if p == nil {
		return
	}
	epoch, leading := p.LeaderEpoch()
	if !leading {
		epoch = record.NoLeaderEpoch
	}
	key := replicaKey{p.TopicID, p.Name.Partition}
	if j.world.options.Rot {
		if end := p.Log().DurableEnd(); end < l.node.vouched[p.Name] {
			l.node.vouched[p.Name] = end // it was cut, and the mark with it
		}
	}
	at := watched{key, l.node.id, l.node.lives}
	before, now := j.watches[at], watch{p, epoch, p.HighWatermark()}
	if now == before {
		return
	}
	j.watches[at] = now
	if now.hosted == before.hosted && now.highWatermark < before.highWatermark {
		j.world.Wrong("watermark", p.Name.String(), "the high watermark of %s fell from %d, leading in epoch %d, to %d, in %d",
			l.node, before.highWatermark, before.epoch, now.highWatermark, now.epoch)
	}
	if !leading {
		return
	}
	if epoch != before.epoch || now.hosted != before.hosted {
		j.leads(leadership{key, epoch}, l, p)
	}
	if now.highWatermark > 0 {
		j.isCommitted(l, p, key, now)
	}
}

// leads notes who leads in an epoch.
func (j *judge) leads(of leadership, l *life, p *partition.Partition) {
	j.world.Notef("%s leads %s in epoch %d from %d", l.node, p.Name, of.epoch, p.LogEnd())
	if other, taken := j.leaders[of]; taken && other != l.node.id {
		j.world.Wrong("two-leaders", p.Name.String(), "%s leads in epoch %d, in which node %d led", l.node, of.epoch, other)
	}
	j.leaders[of] = l.node.id
}

// isCommitted looks whether what is below a high watermark is where it has to be.
func (j *judge) isCommitted(l *life, p *partition.Partition, key replicaKey, now watch) {
	topic := j.newest.TopicByID(key.topic)
	if topic == nil || topic.Partition(key.index) == nil {
		return // it was deleted
	}
	agreed := topic.Partition(key.index)
	if now.highWatermark <= p.LogStart() {
		return
	}
	last := now.highWatermark - 1
	epoch, _ := p.Log().EpochAt(last)
	for _, id := range agreed.ISR {
		held, in, here := j.holds(id, key, last)
		if !here && j.world.rots.of(p.Name) == id {
			continue // it may be given up, and not known yet to be
		}
		if held < now.highWatermark {
			j.world.Wrong("strong-isr", p.Name.String(), "%s leads in epoch %d with the high watermark %d; node %d, which is in the ISR %v of leader epoch %d, holds up to %d durably",
				l.node, now.epoch, now.highWatermark, id, agreed.ISR, agreed.LeaderEpoch, held)
		}
		if in != record.NoLeaderEpoch && in != epoch {
			j.world.Wrong("strong-isr", p.Name.String(), "%s leads in epoch %d and has offset %d of epoch %d committed; node %d in the ISR has it of epoch %d",
				l.node, now.epoch, last, epoch, id, in)
		}
	}
	disks := 0
	for _, id := range agreed.Replicas {
		if held, _, _ := j.holds(id, key, last); held >= now.highWatermark || j.world.rots.of(p.Name) == id {
			disks++
		}
	}
	if disks < insyncMin {
		j.world.Wrong("under-min-isr", p.Name.String(), "%s leads in epoch %d with the high watermark %d, up to which %d disks hold it", l.node, now.epoch, now.highWatermark, disks)
	}
}

// holds is up to where a node holds a partition durably, and the leader epoch of an offset where it can be asked: where it is
// hosted here and now. A start that has not recovered its logs yet, as one that a full disk ends halfway, does not say: they are
// as the process before left them.
func (j *judge) holds(id metadata.NodeID, key replicaKey, at record.Offset) (end record.Offset, epoch record.LeaderEpoch, here bool) {
	if l := j.world.nodes[id-1].life; l != nil && l.Host != nil && l.following {
		if p := l.Host.FindByID(key.topic, key.index); p != nil {
			in, ok := p.Log().EpochAt(at)
			if !ok {
				in = record.NoLeaderEpoch
			}
			return p.Log().DurableEnd(), in, true
		}
	}
	return j.durables[id][key], record.NoLeaderEpoch, false
}

// ends notes what a process that ends has on its disk.
func (j *judge) ends(n *node, l *life) {
	if l.Host == nil || !l.following {
		return // as the process before left it
	}
	held := map[replicaKey]record.Offset{}
	for _, p := range l.Host.All() {
		held[replicaKey{p.TopicID, p.Name.Partition}] = p.Log().DurableEnd()
	}
	j.durables[n.id] = held
}

// String names a partition for a finding.
func (k replicaKey) String() string { return fmt.Sprintf("%v-%d", k.topic, k.index) }
