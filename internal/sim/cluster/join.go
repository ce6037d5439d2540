package cluster

import (
	"time"

	"github.com/skein-io/skein/internal/controllerlink"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/record"
)

// joining is how far a node has come in its start.
type joining struct {
	following bool          // the partitions follow the image, which has the broker's registration of this life
	ready     bool          // the broker was unfenced, and clients are answered
	serves    chan struct{} // closed then
	leaving   bool          // it ends in good order
}

// join does what package skein waits for: the partitions follow the image from the broker's registration on, clients are
// answered from when it was unfenced.
func (l *life) join() {
	l.quorum.Subscribe(func(_, after *metadata.Image, _ *metadata.Delta) {
		l.world.judge.shown(l, after)
		l.look()
		l.link.ImageChanged()
	})
	l.lookAgain()
	l.workSoon()
}

// lookAgain looks every 10 ms until clients are answered.
func (l *life) lookAgain() {
	l.Machine.After(10*time.Millisecond, func() {
		if !l.ready && !l.Ended {
			l.look()
			l.lookAgain()
		}
	})
}

// look takes the next steps of the start that the image allows. They are events of their own: the image is being told of.
func (l *life) look() {
	b, epoch := l.quorum.Image().Broker(l.self()), l.link.State().Epoch
	switch {
	case b == nil || epoch == metadata.NoBrokerEpoch || b.Epoch != epoch:
	case !l.following:
		l.Machine.After(0, l.begin)
	case !b.Fenced && !l.ready:
		l.ready = true
		close(l.serves)
		l.world.Notef("%s serves", l.node)
	}
}

// begin lets the partitions follow the image.
func (l *life) begin() {
	if l.following || l.Ended || l.dying {
		return
	}
	first := true
	l.quorum.Subscribe(func(_, after *metadata.Image, delta *metadata.Delta) {
		if first {
			first, delta = false, nil
		}
		if apply := func() { l.follow(after, delta) }; !l.heedsLate(after, apply) {
			apply()
		}
	})
	if l.Ended || l.dying {
		return
	}
	l.following = true
	l.began()
	l.link.ImageChanged()
}

// follow takes a new image to the partitions and the groups.
func (l *life) follow(image *metadata.Image, delta *metadata.Delta) {
	if l.Ended || l.dying {
		return
	}
	if err := l.Host.Apply(image, delta); err != nil && !l.Ended && !l.dying {
		l.world.Notef("%s: not every partition is served: %v", l.node, err)
		l.node.failed(l, err)
	}
	if l.Ended || l.dying {
		return
	}
	for _, p := range l.Host.All() {
		if c := p.Log().Config(); c.SegmentBytes != segmentBytesMax {
			c.SegmentBytes, c.IndexIntervalBytes, c.FileDeleteDelayMs = segmentBytesMax, 512, 1000
			p.Log().Configure(c)
		}
	}
	if delta != nil {
		for i := range delta.Topics {
			if delta.Topics[i].Deleted() {
				l.Groups.Deleted(delta.Topics[i].Before)
			}
		}
	}
	l.Groups.Coordinate(image, l.self())
	l.soon()
}

// brokerEpoch is that of this life's registration.
func (l *life) brokerEpoch() metadata.BrokerEpoch {
	if l.link == nil {
		return metadata.NoBrokerEpoch
	}
	return l.link.State().Epoch
}

// quorumOf is the node's part of the quorum. What is given to it is worked on soon.
type quorumOf struct{ *life }

func (q quorumOf) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	q.quorum.Submit(request, version, done)
	q.workSoon()
}

func (q quorumOf) Leader() (metadata.NodeID, record.LeaderEpoch, bool) { return q.quorum.Leader() }

func (q quorumOf) HandleMessages(r *protocol.QuorumMessagesRequest) error {
	defer q.workSoon()
	return q.quorum.HandleMessages(r)
}

func (q quorumOf) HeartbeatConnectionLost(id metadata.NodeID, epoch metadata.BrokerEpoch) {
	q.quorum.HeartbeatConnectionLost(id, epoch)
	q.workSoon()
}

func (q quorumOf) Status(done func(quorum.Status, error)) {
	q.quorum.Status(done)
	q.workSoon()
}

// followed is the node's part of the quorum as the link sees it: until the partitions follow the image, it is as good as
// empty.
type followed struct{ quorumOf }

func (f followed) Image() *metadata.Image {
	if f.following {
		return f.quorum.Image()
	}
	return metadata.NewImage(clusterID)
}

// changesOf carries changes of in-sync replicas to the controller.
type changesOf struct{ life *life }

// AlterPartition implements partition.ISRChanges.
func (c changesOf) AlterPartition(change partition.ISRChange, done func(partition.ISRState, error)) {
	if c.life.link == nil {
		done(partition.ISRState{}, protocol.Fail(protocol.NotController, "the broker is not registered yet"))
		return
	}
	if c.agrees(change, done) {
		return
	}
	c.unchecked(&change)
	asked := controllerlink.PartitionChange{TopicID: change.TopicID, Partition: change.Partition, LeaderEpoch: change.LeaderEpoch, Epoch: change.PartitionEpoch}
	for _, m := range change.ISR {
		asked.ISR = append(asked.ISR, controllerlink.InSync{Node: m.Node, Epoch: m.BrokerEpoch})
	}
	c.life.link.AlterPartition(asked, func(state controllerlink.PartitionState, err error) {
		done(partition.ISRState{Leader: state.Leader, LeaderEpoch: state.LeaderEpoch, PartitionEpoch: state.Epoch, ISR: state.ISR}, err)
	})
}
