package zookeeper

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
)

// handle takes one message from the inbox.
func (n *Node) handle(now time.Time, m seat.Message) error {
	if m.Work != nil {
		return m.Work(now)
	}
	return n.step(now, n.seat.Await(m))
}

// step gives an event to the controller, and what comes of it to the member.
func (n *Node) step(now time.Time, event controller.Event) error {
	switch e := event.(type) {
	case *controller.BrokerHeartbeat:
		n.hearing.heard(now, metadata.NodeID(e.Request.BrokerID))
		event = n.withoutSession(e)
	case *controller.HeartbeatConnectionLost:
		n.hearing.lost(e.Broker)
	}
	return errors.Join(n.seat.Step(now, event), n.drain(now))
}

// withoutSession keeps a broker fenced that has no session: it has given itself up, and serves nobody.
func (n *Node) withoutSession(h *controller.BrokerHeartbeat) *controller.BrokerHeartbeat {
	if _, here := n.hearing.brokers[metadata.NodeID(h.Request.BrokerID)]; here || n.hearing.brokers == nil {
		return h
	}
	request := *h.Request
	request.WantFence = true
	return &controller.BrokerHeartbeat{Token: h.Token, Request: &request}
}

// expire tells the controller of the timers that have run out.
func (n *Node) expire(now time.Time) error {
	for event := n.seat.Due(now); event != nil; event = n.seat.Due(now) {
		if err := n.step(now, event); err != nil {
			return err
		}
	}
	return nil
}

// propose is what the controller wants agreed upon.
func (n *Node) propose(p controller.Proposal) error {
	records := metadata.AppendRecords(nil, p.Records...)
	if len(records) > member.EntryBytesMax {
		return fmt.Errorf("a proposal of %d records has %d bytes, more than %d", len(p.Records), len(records), member.EntryBytesMax)
	}
	n.events = append(n.events, &member.Propose{Sequence: p.Sequence, Records: records})
	return nil
}

// reply gives an answer of the controller's to who waits, or keeps it: one that rests on no proposal may be outdated, if
// another node leads and this one does not know it yet.
func (n *Node) reply(event controller.Event, a seat.Answer) {
	sure := !n.seat.Controller.Leading()
	switch event.(type) {
	case *controller.Committed, *controller.Resign:
		sure = true
	}
	if sure {
		a.Give()
		return
	}
	n.asked++
	n.held = append(n.held, held{n.asked, a})
	n.events = append(n.events, &member.Confirm{Number: n.asked})
}

// release refuses all answers that are kept: this node leads no more, and has done nothing.
func (n *Node) release(reason error) {
	all := n.held
	n.held = nil
	for _, h := range all {
		h.answer.Done(nil, reason)
	}
}

// happen steps the member, and everything that comes of that.
func (n *Node) happen(now time.Time, e member.Event) error {
	n.events = append(n.events, e)
	return n.drain(now)
}

// drain steps the member through the events that wait. What comes of one may bring others.
func (n *Node) drain(now time.Time) error {
	for len(n.events) > 0 {
		e := n.events[0]
		n.events = n.events[1:]
		n.member.Step(now, e, &n.effects)
		outcomes, request := append([]member.Outcome(nil), n.effects.Outcomes...), n.effects.Request
		n.effects.Reset()
		if request != nil {
			n.config.Asker.Ask(request)
		}
		sure := n.member.Sure()
		n.sure.Store(&sure)
		for _, o := range outcomes {
			if err := n.carryOut(now, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteSession tells when the session becomes sure, and when it is not any more.
func (n *Node) noteSession(now time.Time) {
	if held := now.Before(n.member.Sure()); held != n.session {
		n.session = held
		if n.config.OnSession != nil {
			n.config.OnSession(held)
		}
	}
}

func (n *Node) carryOut(now time.Time, outcome member.Outcome) error {
	switch o := outcome.(type) {
	case *member.Applied:
		return n.apply(now, o)
	case *member.Installed:
		return n.install(o)
	case *member.Leads:
		n.hearing.begin(now)
		n.logger.Info("this node is the controller", "epoch", o.Epoch)
		n.show(leadership{n.config.NodeID, o.Epoch})
		return n.seat.Step(now, &controller.Lead{Epoch: o.Epoch, Image: n.images.Image(), Several: true})
	case *member.Resigned:
		n.logger.Warn("this node is no longer the controller", "cause", o.Reason)
		return n.resign(now)
	case *member.Follows:
		n.follow(o)
	case *member.Confirmed:
		for len(n.held) > 0 && n.held[0].number <= o.Number {
			a := n.held[0].answer
			n.held = n.held[1:]
			a.Give()
		}
	case *member.Brokers:
		return n.sessions(now, o.IDs)
	case *member.Stored:
		n.stored(o.Offset)
	case *member.Troubled:
		n.troubled(o.Reason)
	case *member.Failed:
		return o.Reason
	default:
		panic(fmt.Sprintf("zookeeper: outcome %T", o))
	}
	return nil
}

// follow shows who leads, if it is another node.
func (n *Node) follow(o *member.Follows) {
	if o.Leader == metadata.NoNode {
		n.leader.Store(nil)
		return
	}
	if n.config.OnController != nil && o.Address != "" {
		n.config.OnController(o.Leader, o.Address)
	}
	n.show(leadership{o.Leader, o.Epoch})
}

// show tells who leads.
func (n *Node) show(l leadership) {
	n.leader.Store(&l)
	if n.config.OnLeader != nil {
		n.config.OnLeader()
	}
}

// resign ends the controller's time: whoever waits is told to ask another.
func (n *Node) resign(now time.Time) error {
	n.leader.Store(nil)
	n.hearing.brokers, n.snapshot.storing = nil, false
	err := n.seat.Step(now, &controller.Resign{})
	n.release(protocol.Fail(protocol.NotController, "node %d is no longer the controller", n.config.NodeID))
	return err
}

// sessions fences those that have no session any more.
func (n *Node) sessions(now time.Time, ids []metadata.NodeID) error {
	n.hearing.sessions(now, ids)
	if !n.seat.Controller.Leading() { // it looks again when it leads
		return nil
	}
	for b := range n.images.Image().Brokers() {
		if _, here := n.hearing.brokers[b.ID]; !here && !b.Fenced {
			n.logger.Info("a broker has no session in ZooKeeper any more", "broker", b.ID)
			if err := n.seat.Step(now, &controller.SessionExpired{Broker: b.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Node) troubled(reason error) {
	if reason == nil {
		n.trouble.Store(nil)
		return
	}
	n.trouble.Store(&reason)
	n.logger.Warn("this node's session in ZooKeeper is not as it should be", "cause", reason)
}

// apply makes the next image of an entry, shows it, and tells the controller of its own.
func (n *Node) apply(now time.Time, o *member.Applied) error {
	builder := metadata.NewBuilder(n.images.Image())
	builder.At(o.Offset, o.Epoch)
	if err := applyRecords(builder, o.Records); err != nil {
		return fmt.Errorf("offset %d of the metadata log in ZooKeeper cannot be applied: %w", o.Offset, err)
	}
	n.images.Publish(builder.Done())
	n.snapshot.count(len(o.Records))
	if o.Sequence > 0 {
		if err := n.seat.Step(now, &controller.Committed{Sequence: o.Sequence, Offset: o.Offset}); err != nil {
			return err
		}
	}
	n.considerSnapshot()
	return nil
}

func applyRecords(builder *metadata.Builder, b []byte) error {
	records, err := metadata.DecodeRecords(b)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := builder.Apply(r); err != nil {
			return err
		}
	}
	return nil
}

// install takes a snapshot for the image.
func (n *Node) install(o *member.Installed) error {
	builder := metadata.NewBuilder(metadata.NewImage(n.config.ClusterID))
	size := 0
	for _, part := range o.Parts {
		records, err := member.PartRecords(part)
		if err == nil {
			err = applyRecords(builder, records)
		}
		if err != nil {
			return fmt.Errorf("the snapshot of the metadata log at offset %d in ZooKeeper cannot be applied: %w", o.Offset, err)
		}
		size += len(part)
	}
	builder.At(o.Offset, o.Epoch)
	image, _ := builder.Done()
	n.images.Publish(image, seat.Difference(n.images.Image(), image))
	n.snapshot = snapshot{size: size}
	n.logger.Info("a snapshot of the metadata log was read from ZooKeeper", "offset", o.Offset, "epoch", o.Epoch, "bytes", size)
	return nil
}

// Leader is the controller and the epoch in which it leads, as far as this node knows; false if it knows none.
func (n *Node) Leader() (metadata.NodeID, record.LeaderEpoch, bool) {
	if l := n.leader.Load(); l != nil {
		return l.node, l.epoch, true
	}
	return metadata.NoNode, record.NoLeaderEpoch, false
}
