package cluster

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Run runs one history and judges it.
func Run(o Options) *scene.Result {
	w := newWorld(o)
	w.crowd = clients.NewCrowd(w.World, o.Clients)
	for _, n := range w.nodes {
		n.start()
	}
	w.crowd.Start(func() {
		w.nemesis.begin()
		w.nemesis.decays()
		w.growth.begin()
	})
	w.Run(sim.Instant(o.Attack))
	if len(w.Findings()) > 0 {
		return w.Result(o.Seed, o.String())
	}
	w.nemesis.end()
	atRest := w.inSync
	if o.Patient {
		atRest = nil
	}
	limit := w.Now().Add(o.Settle + o.Heal)
	w.crowd.DemandProgress(o.Settle, o.Heal, atRest)
	limit = max(limit, w.Now().Add(time.Second)) // a topic may have been made a moment ago
	if o.Shrink {
		limit = max(limit, w.Now().Add(o.Settle)) // whoever leaves may have begun a moment ago
	}
	for !w.inSync() && w.Now() < limit {
		w.Run(w.Now().Add(100 * time.Millisecond))
	}
	w.demandInSync()
	w.demandShrunk()
	w.demandSuccession()
	if len(w.Findings()) == 0 {
		w.judge.replicasAreEqual()
	}
	w.readAll()
	return w.Result(o.Seed, o.String())
}

// leader is the process that leads a partition, as the images of all nodes say; nil and a finding if there is none.
func (w *world) leader(p check.Partition) *life {
	for _, n := range w.nodes {
		if n.life == nil || !n.life.ready {
			continue
		}
		image := n.life.quorum.Image()
		at := image.Partition(metadata.TopicPartition{Topic: p.Topic, Partition: p.Index})
		if at == nil || at.Leader <= 0 {
			continue
		}
		if l := w.nodes[at.Leader-1].life; l != nil && l.ready {
			return l
		}
	}
	w.Wrong("liveness", p.String(), "no node leads the partition")
	return nil
}

// inSync says whether every node serves and shows the newest image, with every replica in sync.
func (w *world) inSync() bool {
	if !w.shrunk() {
		return false
	}
	for _, n := range w.members() {
		if n.life == nil || !n.life.ready || n.life.quorum.Image().Offset < w.judge.newest.Offset {
			return false
		}
		for topic := range n.life.quorum.Image().Topics() {
			for p := range topic.Partitions() {
				if len(p.ISR) != len(p.Replicas) {
					return false
				}
			}
		}
	}
	return true
}

// demandInSync: after the faults every node serves, and every replica is in sync.
func (w *world) demandInSync() {
	for _, n := range w.members() {
		switch {
		case n.life == nil:
			w.Wrong("liveness", n.String(), "the process does not run")
		case !n.life.ready:
			leader, epoch, known := n.life.quorum.Leader()
			w.Wrong("liveness", n.String(), "the broker has not come to serve: it is registered as %+v, follows the image %v, which is at offset %d of %d, and knows the controller %v: node %d in epoch %d",
				n.life.link.State(), n.life.following, n.life.quorum.Image().Offset, w.judge.newest.Offset, known, leader, epoch)
		default:
			for topic := range n.life.quorum.Image().Topics() {
				for p := range topic.Partitions() {
					if len(p.ISR) != len(p.Replicas) {
						w.Wrong("liveness", topic.Name, "%s: partition %d has the replicas %v and in sync are %v, leader %d", n, p.Index, p.Replicas, p.ISR, p.Leader)
					}
				}
			}
		}
	}
}

// readAll cuts the power of all nodes a last time and reads every partition from its start to its end: what was served
// must survive it.
func (w *world) readAll() {
	if len(w.Findings()) > 0 {
		return
	}
	ends := w.ends()
	for _, n := range w.nodes {
		n.end(true, 0)
	}
	w.Run(w.Now().Add(time.Second))
	w.crowd.ReadAll(ends, 30*time.Second)
}

// ends is the high watermark of each partition, which at rest is the log's end.
func (w *world) ends() map[check.Partition]record.Offset {
	ends := map[check.Partition]record.Offset{}
	for index := range int32(w.options.Partitions) {
		p := check.Partition{Topic: topicName, Index: index}
		l := w.leader(p)
		if l == nil {
			continue
		}
		hosted := l.Host.Find(topicName, index)
		if hosted == nil {
			w.Wrong("liveness", p.String(), "%s does not host the partition that it leads", l.node)
			continue
		}
		if hosted.HighWatermark() != hosted.LogEnd() {
			w.Wrong("liveness", p.String(), "at rest the high watermark is %d and the log's end %d", hosted.HighWatermark(), hosted.LogEnd())
		}
		ends[p] = hosted.HighWatermark()
	}
	return ends
}
