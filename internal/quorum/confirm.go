package quorum

import (
	"encoding/binary"
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"github.com/skein-io/skein/internal/protocol"
)

// A broker counts on the answer to its heartbeat: until some time after it sent it, nobody else serves in its place. A
// controller that was cut off, or stopped and continued, does not know yet that there is another; its answer would be worth
// nothing. So the answer waits until a majority has said, later than the heartbeat came, that this node leads (raft's
// ReadIndex, section 6.4 of Ongaro's thesis). One question serves all that wait, and there is at most one with each tick.
type confirmation struct {
	asked   []heldAnswer // wait for the question that is under way
	next    []heldAnswer // came after it was asked
	round   uint64       // numbers the questions: raft may answer one of an earlier leadership late
	askedAt time.Time
}

// heldAnswer is an answer that is ready but for the confirmation.
type heldAnswer struct {
	done     func(protocol.Message, error)
	response protocol.Message
}

// confirmed makes a done that passes an answer on when a majority has confirmed that this node leads. The controller calls it on the
// node's goroutine.
func (n *Node) confirmed(done func(protocol.Message, error)) func(protocol.Message, error) {
	return func(response protocol.Message, err error) {
		if err != nil || n.config.faults.answersUnconfirmed {
			done(response, err)
			return
		}
		n.confirmation.next = append(n.confirmation.next, heldAnswer{done, response})
	}
}

// confirm asks the others whether this node leads, if an answer waits for that.
func (n *Node) confirm(now time.Time) {
	c := &n.confirmation
	if n.term == 0 || len(c.next) == 0 || len(c.asked) > 0 {
		return
	}
	if wait := c.askedAt.Add(tickEvery).Sub(now); n.ticks() && wait > 0 && wait <= tickEvery {
		return // the next tick is not later
	}
	c.asked, c.next, c.askedAt = c.next, nil, now
	c.round++
	n.raft.ReadIndex(binary.BigEndian.AppendUint64(nil, c.round))
}

// confirms takes what raft has found out.
func (n *Node) confirms(states []raft.ReadState) {
	c := &n.confirmation
	for _, s := range states {
		if binary.BigEndian.Uint64(s.RequestCtx) != c.round {
			continue
		}
		answers := c.asked
		c.asked = nil
		for _, a := range answers {
			a.done(a.response, nil)
		}
	}
}

// unconfirmed refuses all that waits: this node leads no more.
func (n *Node) unconfirmed(reason error) {
	c := &n.confirmation
	answers := slices.Concat(c.asked, c.next)
	c.asked, c.next = nil, nil
	for _, a := range answers {
		a.done(nil, reason)
	}
}
