package replica

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// retryAfter is the pause before a proposal is made again.
const retryAfter = 500 * time.Millisecond

// pending is the proposal whose outcome is not known. While there is one, no other is made, and the maximal ISR holds
// both what was and what may be.
type pending struct {
	change *Alteration // nil: there is none
	// retryAt is when it is sent again, where retry.
	retryAt Instant
	retry   bool
	// lostAt is when the newest request ended without an answer, where lost: the controller may still come to take it.
	lostAt Instant
	lost   bool
}

// grow proposes the replicas that may join. They have, durably, all that this leader knows to be committed, and all that
// the leaders before it may have committed: what it had itself when its epoch began. Kafka asks for the log's end there;
// a log's end that is not durable would be lost with the power, and with it what another leader had committed. Who would
// be left out at the next check does not join.
func (s *State) grow(now Instant, effects *Effects) {
	l := &s.leader
	if l.pending.change != nil || len(l.replicas) == l.inSync || now < l.notUntil {
		return
	}
	found := false
	for i := range l.replicas {
		p := &l.replicas[i]
		if !p.inSync && l.mayJoin(p, now) && p.durableEnd >= s.highWatermark && p.durableEnd >= l.start {
			p.proposed, found = true, true
		}
	}
	if found {
		s.propose(effects)
	}
}

// shrink proposes to leave out those that are behind for too long. They are waited for until the controller has agreed.
func (s *State) shrink(now Instant, effects *Effects) {
	l := &s.leader
	if l.pending.change != nil {
		return
	}
	found := false
	for i := range l.replicas {
		p := &l.replicas[i]
		if p.inSync && p.node != s.self && !l.current(p, now) {
			p.leaving, found = true, true
		}
	}
	if found {
		s.propose(effects)
	}
}

func (s *State) propose(effects *Effects) {
	l := &s.leader
	l.lastID++
	change := &Alteration{ID: l.lastID, Epoch: s.epoch, PartitionEpoch: s.partitionEpoch, ISR: make([]Member, 0, len(l.replicas))}
	for i := range l.replicas {
		if p := &l.replicas[i]; p.inSync && !p.leaving || p.proposed {
			change.ISR = append(change.ISR, Member{p.node, p.brokerEpoch})
		}
	}
	l.pending = pending{change: change}
	effects.Alter = change
}

// check looks at the time.
func (s *State) check(now Instant, e *Check, effects *Effects) {
	if s.role != leading {
		return
	}
	l := &s.leader
	l.logEnd = max(l.logEnd, e.LogEnd)
	if p := &l.pending; p.retry {
		if now < p.retryAt {
			effects.WakeAt, effects.Wake = p.retryAt, true
			return
		}
		p.retry = false
		effects.Alter = p.change
		return
	}
	s.shrink(now, effects)
	s.grow(now, effects)
}

// answered takes what the controller says of the proposal. An image may have come first: then the proposal is settled by
// it, and the answer is of no use.
func (s *State) answered(now Instant, e *Answered, effects *Effects) {
	l := &s.leader
	p := &l.pending
	if s.role != leading || p.change == nil || p.change.ID != e.ID {
		return
	}
	switch e.Code {
	case protocol.None:
		if e.Epoch != s.epoch || e.PartitionEpoch < s.partitionEpoch {
			return // an image is on its way that says what became of it
		}
		s.partitionEpoch = e.PartitionEpoch
		l.pending = pending{}
		l.setISR(e.ISR, s.self)
	case protocol.FencedLeaderEpoch, protocol.InvalidUpdateVersion, protocol.NewLeaderElected, protocol.InvalidRequest,
		protocol.UnknownTopicOrPartition, protocol.UnknownTopicID:
		// The controller knows a newer state: its image settles the proposal. Until then both outcomes are waited for.
	case protocol.IneligibleReplica, protocol.OperationNotAttempted:
		if p.lost && now.Sub(p.lostAt) <= l.lagMax {
			s.retry(now, effects) // this request changed nothing, but an earlier one may still be on its way
			return
		}
		l.pending = pending{}
		for i := range l.replicas {
			r := &l.replicas[i]
			if r.proposed && e.Code == protocol.IneligibleReplica {
				r.eligible = false // as the controller knows it; until it fetches again
			}
			r.proposed, r.leaving = false, false
		}
		l.notUntil = now.Add(retryAfter)
		effects.WakeAt, effects.Wake = l.notUntil, true
	case protocol.NotController: // and so it has done nothing
		s.retry(now, effects)
	default:
		p.lost, p.lostAt = true, now
		s.retry(now, effects)
	}
}

// retry has the same proposal sent again after a pause.
func (s *State) retry(now Instant, effects *Effects) {
	p := &s.leader.pending
	p.retry, p.retryAt = true, now.Add(retryAfter)
	effects.WakeAt, effects.Wake = p.retryAt, true
}

// Alone says whether what is written here would wait in vain: this replica leads, and of those that have to acknowledge one has
// said nothing in this leader epoch for longer than a silence. A replica that does not lead learns nothing by itself, and is
// alone always.
func (s *State) Alone(now Instant, silence time.Duration) bool {
	if s.role != leading {
		return true
	}
	for i := range s.leader.replicas {
		if p := &s.leader.replicas[i]; p.node != s.self && p.inSync && now.Sub(p.heard) > silence {
			return true
		}
	}
	return false
}

// Pending says what is proposed and not settled, for those who want to look.
func (s *State) Pending() (isr []metadata.NodeID, ok bool) {
	change := s.leader.pending.change
	if s.role != leading || change == nil {
		return nil, false
	}
	for _, m := range change.ISR {
		isr = append(isr, m.Node)
	}
	return isr, true
}
