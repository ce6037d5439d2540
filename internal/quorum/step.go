package quorum

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// handle takes one message from the inbox.
func (n *Node) handle(now time.Time, m seat.Message) error {
	if m.Work != nil {
		return m.Work(now)
	}
	return n.step(now, n.seat.Await(m))
}

// step gives an event to the controller and carries out the effects. If raft has not taken a proposal, because this node
// leads no more or is about to, the controller's time is over: it counts on what will not be.
func (n *Node) step(now time.Time, event controller.Event) error {
	err := n.seat.Step(now, event)
	if n.config.faults.answersEarly {
		n.seat.AnswerEarly()
	}
	if n.refused && err == nil {
		n.refused = false
		n.cede(now)
	}
	return err
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
	for event := n.seat.Due(now); event != nil; event = n.seat.Due(now) {
		if err := n.step(now, event); err != nil {
			panic(fmt.Sprintf("quorum: the end of a timer, %+v: %v", event, err))
		}
	}
}

// deadline is when there is something to do though nothing comes: a session ends, a tick is due, or answers wait to be
// confirmed.
func (n *Node) deadline() (time.Time, bool) {
	at, ok := n.seat.Deadline()
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
