package quorum

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// handle takes one message from the inbox.
func (n *Node) handle(now time.Time, m message) error {
	if m.work != nil {
		return m.work(now)
	}
	n.token++
	n.waiting[n.token] = m.done
	return n.step(now, m.event(n.token))
}

// step gives an event to the controller and carries out the effects. Answers go out here and nowhere else; the controller
// gives those that rest on a proposal only after Committed.
func (n *Node) step(now time.Time, event controller.Event) error {
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
			delete(n.deadlines, t.Broker)
		} else {
			n.deadlines[t.Broker] = t.At
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
		done(r.Response, r.Err)
	}
	return nil
}

func (n *Node) propose(p controller.Proposal) error {
	data := appendProposal(nil, p.Sequence, p.Records)
	if len(data) > EntryBytesMax {
		return fmt.Errorf("a proposal of %d records has %d bytes, more than %d", len(p.Records), len(data), EntryBytesMax)
	}
	return n.raft.Propose(data)
}

// expire tells the controller of the sessions that have run out.
func (n *Node) expire(now time.Time) {
	for {
		broker, at, ok := n.earliest()
		if !ok || at.After(now) {
			return
		}
		delete(n.deadlines, broker)
		if err := n.step(now, &controller.SessionExpired{Broker: broker}); err != nil {
			panic(fmt.Sprintf("quorum: the end of broker %d's session: %v", broker, err))
		}
	}
}

// earliest is the session that ends first; of two that end together, that of the lower broker.
func (n *Node) earliest() (broker metadata.NodeID, at time.Time, ok bool) {
	for b, t := range n.deadlines {
		if !ok || t.Before(at) || t.Equal(at) && b < broker {
			broker, at, ok = b, t, true
		}
	}
	return broker, at, ok
}

func (n *Node) deadline() (time.Time, bool) {
	_, at, ok := n.earliest()
	return at, ok
}

// answerEarly is a planted bug: whoever waits is answered without waiting.
func (n *Node) answerEarly() {
	for token, done := range n.waiting {
		n.waiting[token] = func(protocol.Message, error) {}
		done(nil, nil)
	}
}
