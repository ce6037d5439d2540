package quorum

import (
	"encoding/binary"
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// A controller that was cut off, or stopped and continued, does not know yet that there is another. What it proposes is never
// agreed upon; but what it answers without a proposal would be outdated: that a topic exists which the next one has deleted,
// or that a broker's session goes on. So such an answer waits until a majority has said, later than the request came, that this
// node leads (raft's ReadIndex, section 6.4 of Ongaro's thesis). One question serves all that wait, and there is at most one in
// tickEvery. An answer that rests on a proposal needs none: that was agreed upon in this node's term.
type confirmation struct {
	asked   []seat.Answer // wait for the question that is under way
	next    []seat.Answer // came after it was asked
	round   uint64        // numbers the questions: raft may answer one of an earlier leadership late
	askedAt time.Time
}

// reply gives an answer of the controller's to who waits, or keeps it until it is confirmed. event is what it was made of.
func (n *Node) reply(event controller.Event, a seat.Answer) {
	sure := n.members.decides(n.config.NodeID) || n.term == 0 || n.config.faults.answersUnconfirmed
	switch event.(type) {
	case *controller.Committed, *controller.Resign:
		sure = true
	}
	if sure {
		a.Give()
		return
	}
	n.confirmation.next = append(n.confirmation.next, a)
}

// due is when the next question is to be asked; false if it is not to be.
func (c *confirmation) due() (time.Time, bool) {
	return c.askedAt.Add(tickEvery), len(c.next) > 0 && len(c.asked) == 0
}

// confirm asks the others whether this node leads, if an answer waits for that.
func (n *Node) confirm(now time.Time) {
	c := &n.confirmation
	at, due := c.due()
	if wait := at.Sub(now); n.term == 0 || !due || wait > 0 && wait <= tickEvery {
		return
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
			a.Give()
		}
	}
}

// unconfirmed refuses all that waits: this node leads no more, and has done nothing.
func (n *Node) unconfirmed(reason error) {
	c := &n.confirmation
	answers := slices.Concat(c.asked, c.next)
	c.asked, c.next = nil, nil
	for _, a := range answers {
		a.Done(nil, reason)
	}
}
