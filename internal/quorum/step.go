package quorum

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/protocol"
)

// handle takes one message from the inbox.
func (n *Node) handle(now time.Time, m message) error {
	switch {
	case m.delivery != nil:
		return n.deliver(now, m.delivery)
	case m.work != nil:
		return m.work(now)
	}
	n.token++
	n.waiting[n.token] = m.done
	return n.step(now, m.event(n.token))
}

// step gives an event to the controller and carries out the effects. If raft has not taken a proposal, because this node
// leads no more or is about to, the controller's time is over: it counts on what will not be.
func (n *Node) step(now time.Time, event controller.Event) error {
	err := n.carryOut(now, event)
	if n.refused && err == nil {
		n.refused = false
		n.cede(now)
	}
	return err
}

// carryOut steps the controller. Answers go out here and nowhere else, but for those that wait for confirmation; the
// controller gives those that rest on a proposal only after Committed.
func (n *Node) carryOut(now time.Time, event controller.Event) error {
	n.recorder.note(now, event, n.controller)
	effects := &n.effects
	n.controller.Step(now, event, effects)
	defer effects.Reset()
	if n.trace != nil {
		n.trace(now, event, effects)
	}
	for _, p := range effects.Proposals {
		if err := n.propose(p); err != nil {
			return err
		}
	}
	for _, t := range effects.Timers {
		if t.At.IsZero() {
			delete(n.deadlines, t.TimerKey)
		} else {
			n.deadlines[t.TimerKey] = t.At
		}
	}
	if n.config.faults.answersEarly {
		n.answerEarly()
	}
	for _, r := range effects.Replies {
		done, ok := n.waiting[r.Token]
		if !ok {
			panic(fmt.Sprintf("quorum: the controller answers token %d, which does not wait: %v %v", r.Token, r.Response, r.Err))
		}
		delete(n.waiting, r.Token)
		n.reply(event, heldAnswer{done, r.Response, r.Err})
	}
	return nil
}

func (n *Node) propose(p controller.Proposal) error {
	data := appendProposal(nil, p.Sequence, p.Records)
	if len(data) > EntryBytesMax {
		return fmt.Errorf("a proposal of %d records has %d bytes, more than %d", len(p.Records), len(data), EntryBytesMax)
	}
	err := n.raft.Propose(data)
	if errors.Is(err, raft.ErrProposalDropped) {
		n.refused = true
		return nil
	}
	return err
}

// expire tells the controller of the timers that have run out.
func (n *Node) expire(now time.Time) {
	for {
		key, at, ok := n.earliest()
		if !ok || at.After(now) {
			return
		}
		delete(n.deadlines, key)
		if err := n.step(now, key.Event()); err != nil {
			panic(fmt.Sprintf("quorum: the end of the timer %+v: %v", key, err))
		}
	}
}

// earliest is the timer that ends first; of those that end together, the one of the lowest key.
func (n *Node) earliest() (key controller.TimerKey, at time.Time, ok bool) {
	for k, t := range n.deadlines {
		if !ok || t.Before(at) || t.Equal(at) && less(k, key) {
			key, at, ok = k, t, true
		}
	}
	return key, at, ok
}

func less(a, b controller.TimerKey) bool {
	return a.Kind < b.Kind || a.Kind == b.Kind && a.Broker < b.Broker
}

// deadline is when there is something to do though nothing comes: a session ends, a tick is due, or answers wait to be
// confirmed.
func (n *Node) deadline() (time.Time, bool) {
	_, at, ok := n.earliest()
	if n.ticks() {
		if tick := n.nextTick(); !ok || tick.Before(at) {
			at, ok = tick, true
		}
	}
	if ask, waits := n.confirmation.due(); waits && (!ok || ask.Before(at)) {
		at, ok = ask, true
	}
	return at, ok
}

// answerEarly is a planted bug: whoever waits is answered without waiting.
func (n *Node) answerEarly() {
	for token, done := range n.waiting {
		n.waiting[token] = func(protocol.Message, error) {}
		done(nil, nil)
	}
}
