package replica

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// simNode is one replica: a State, a log, and a driver as short as it can be.
type simNode struct {
	world *simWorld
	id    metadata.NodeID
	alive bool
	life  int

	state      State
	log        simLog
	checkpoint record.Offset // of the high watermark, on its disk
	slow       time.Duration // what a sync takes more

	brokerEpoch metadata.BrokerEpoch
	image       *simImage
	isr         []metadata.NodeID // as the controller told it, the newest by isrEpoch
	isrEpoch    metadata.PartitionEpoch
	waits       []simWait // produces with acks=all
	fetch       int       // number of the newest fetch
	cutting     int       // counts truncations: a sync that began before one says nothing
	report      simReport
}

type simWait struct {
	offset record.Offset
	value  int64
}

// simReport is the durable end that the leader is told until it answers.
type simReport struct {
	epoch record.LeaderEpoch
	end   record.Offset
	open  bool
}

func (n *simNode) after(d time.Duration, f func()) {
	life := n.life
	n.world.After(d, func() {
		if n.life == life && n.alive {
			f()
		}
	})
}

// every repeats f until the end of this life.
func (n *simNode) every(low, high time.Duration, f func()) {
	n.after(n.world.rand.Between(low, high), func() {
		f()
		n.every(low, high, f)
	})
}

func (n *simNode) start() {
	n.life++
	n.alive, n.image, n.isr, n.isrEpoch, n.waits, n.report = true, nil, nil, -1, nil, simReport{}
	n.state = State{}
	n.step(&Loaded{HighWatermark: n.checkpoint, LogStart: n.log.start, LogEnd: n.log.end()})
	n.brokerEpoch = metadata.NoBrokerEpoch
	n.register()
	n.every(100*time.Millisecond, 200*time.Millisecond, n.heartbeat)
	n.every(20*time.Millisecond, 100*time.Millisecond, n.poll)
	n.every(500*time.Millisecond, time.Second, func() { n.checkpoint = n.state.HighWatermark() })
	n.every(simLagMax/2, simLagMax/2, n.check)
	n.every(200*time.Millisecond, 200*time.Millisecond, n.sendReport)
	n.every(200*time.Millisecond, 2*time.Second, n.deleteRecords)
	n.sync()
}

// crash ends this life. Of what was not durable some may be on the disk nevertheless.
func (n *simNode) crash() {
	n.life++
	n.alive = false
	n.waits = nil
	lost := n.log.end() - n.log.durable
	if lost > 0 {
		n.log.truncate(n.log.durable + record.Offset(n.world.rand.Int64N(int64(lost)+1)))
	}
	n.world.see.cut(n)
}

func (n *simNode) register() {
	if n.brokerEpoch != metadata.NoBrokerEpoch {
		return
	}
	life := n.life
	n.world.send(n.id, controllerID, func() {
		epoch := n.world.ctl.register(n.id, life)
		n.world.send(controllerID, n.id, func() { n.brokerEpoch = epoch })
	})
	n.after(300*time.Millisecond, n.register)
}

func (n *simNode) heartbeat() {
	if n.image == nil {
		return
	}
	epoch, version := n.brokerEpoch, n.image.version
	n.world.send(n.id, controllerID, func() { n.world.ctl.heartbeat(n.id, epoch, version) })
}

func (n *simNode) poll() {
	n.world.send(n.id, controllerID, func() {
		image := n.world.ctl.image()
		n.world.send(controllerID, n.id, func() { n.apply(image) })
	})
}

// apply takes an image, unless it is older, or from before this life.
func (n *simNode) apply(image *simImage) {
	if n.brokerEpoch == metadata.NoBrokerEpoch || image.brokers[n.id].epoch != n.brokerEpoch || n.image != nil && image.version <= n.image.version {
		return
	}
	n.image = image
	_, wasLeading := n.state.Leading()
	if image.leader == n.id {
		n.told(image.isr, image.partitionEpoch)
		n.step(&Lead{Self: n.id, BrokerEpoch: n.brokerEpoch, Epoch: image.leaderEpoch, PartitionEpoch: image.partitionEpoch,
			Replicas: image.replicas, ISR: image.isr, ISRMin: simISRMin, LagMax: simLagMax, LogEnd: n.log.end(), DurableEnd: n.log.durable})
		n.world.see.leads(n)
		return
	}
	if wasLeading && n.world.bug.staleLeader {
		return
	}
	if _, following, ok := n.state.Following(); !ok || following != image.leaderEpoch {
		if n.world.bug.cutToHighWatermark && image.leader != metadata.NoNode {
			n.truncate(n.state.HighWatermark())
		}
		n.step(&Follow{Self: n.id, Leader: image.leader, Epoch: image.leaderEpoch, PartitionEpoch: image.partitionEpoch, LogEnd: n.log.end()})
		n.ask()
	}
}

// told notes an ISR, unless a newer one is known: an image may be older than an answer.
func (n *simNode) told(isr []metadata.NodeID, epoch metadata.PartitionEpoch) {
	if epoch > n.isrEpoch {
		n.isr, n.isrEpoch = isr, epoch
	}
}

// step drives the state.
func (n *simNode) step(e Event) Effects {
	var effects Effects
	n.world.bug.before(n, e)
	n.state.Step(n.world.now(), e, &effects)
	n.world.bug.after(n, e)
	if effects.Resigned {
		n.waits = nil
	}
	if effects.Moved {
		n.world.see.moved(n)
		n.waits = slices.DeleteFunc(n.waits, func(w simWait) bool {
			if w.offset >= effects.HighWatermark {
				return false
			}
			n.world.see.acked(w)
			return true
		})
	}
	if effects.Alter != nil {
		n.alter(effects.Alter)
	}
	if effects.Wake {
		n.after(time.Duration(effects.WakeAt-n.world.now())*time.Millisecond, n.check)
	}
	if effects.Reports {
		_, epoch, _ := n.state.Following()
		n.report = simReport{epoch: epoch, end: effects.Report, open: true}
		n.sendReport()
	}
	return effects
}

func (n *simNode) check() { n.step(&Check{LogEnd: n.log.end()}) }

// append is a produce with acks=all.
func (n *simNode) append(value int64) {
	epoch, leading := n.state.Leading()
	if ok, _, _ := n.state.EnoughInSync(); !leading || !ok {
		return
	}
	n.world.see.serves(n, "takes a produce")
	n.log.entries = append(n.log.entries, simEntry{epoch, value})
	n.waits = append(n.waits, simWait{n.log.end() - 1, value})
}

// sync is one round of the Syncer after the other.
func (n *simNode) sync() {
	end, cutting := n.log.end(), n.cutting
	n.after(n.world.rand.Between(500*time.Microsecond, 15*time.Millisecond)+n.slow, func() {
		if cutting == n.cutting && end > n.log.durable {
			n.log.durable = end
			n.step(&Durable{Node: n.id, End: end, LogEnd: n.log.end()})
		}
		n.sync()
	})
}

// deleteRecords lets the log begin later, as retention and DeleteRecords do.
func (n *simNode) deleteRecords() {
	if _, leading := n.state.Leading(); leading && n.world.rand.Chance(300) {
		n.log.moveStart(n.state.HighWatermark() - record.Offset(n.world.rand.IntN(60)))
	}
}

// alter sends a proposal. No answer in time is told as such; one that comes later is not heard any more.
func (n *simNode) alter(change *Alteration) {
	done := false
	answered := func(a *Answered) {
		if !done {
			done = true
			if now := n.state.leader.pending.change; a.Code == protocol.None && now != nil && now.ID == a.ID {
				n.told(a.ISR, a.PartitionEpoch)
			}
			n.step(a)
		}
	}
	epoch := n.brokerEpoch
	n.world.send(n.id, controllerID, func() {
		answer := n.world.ctl.alter(n.id, epoch, change)
		n.world.send(controllerID, n.id, func() { answered(answer) })
	})
	n.after(150*time.Millisecond, func() { answered(&Answered{ID: change.ID, Code: protocol.RequestTimedOut}) })
}

// sendReport tells the leader the durable end until it has answered.
func (n *simNode) sendReport() {
	leader, epoch, ok := n.state.Following()
	r := n.report
	if !r.open || !ok || r.epoch != epoch {
		return
	}
	end := r.end
	if n.world.bug.reportLogEnd {
		end = n.log.end()
	}
	broker := n.brokerEpoch
	n.world.send(n.id, leader, func() {
		to := n.world.node(leader)
		to.step(&Durable{Node: n.id, BrokerEpoch: broker, Epoch: epoch, End: end, LogEnd: to.log.end()})
		n.world.send(leader, n.id, func() {
			if n.report == r {
				n.report.open = false
			}
		})
	})
}
