package group

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// joinPhase is what a group in PreparingRebalance waits for. All of it is volatile.
//
// A join phase ends in two steps. First something makes its end possible: the last member rejoined, or a timer rang.
// Then the group is ready, and it ends with the Drained event: when the inbox holds no more JoinGroup requests of the
// group. So members that join at the same moment get into one generation, however the requests fell.
type joinPhase struct {
	started Instant
	ready   bool // in Shard.ready
	due     bool // ends whoever is missing
	early   bool // may end before the initial delay is over: a member left it

	delay     time.Duration // of the first rebalance: as it was set last
	remaining time.Duration // by which it may be extended
	newcomers bool          // a member was added since it was set

	arrivals    int // new members in a row, none more than Config.JoinSettle after the one before
	lastArrival Instant
}

// rebalanceOrEndJoin starts a rebalance, or if one is on lets its join phase end.
func (s *Shard) rebalanceOrEndJoin(g *group, member string, why reason) {
	if PreparingRebalance.follows(g.state) {
		s.prepare(g, member, why)
	} else {
		s.maybeEndJoin(g)
	}
}

// prepare starts a rebalance. The first one of an Empty group waits for more members (J8), any other ends when all are
// there (J9).
func (s *Shard) prepare(g *group, member string, why reason) {
	if g.state == CompletingRebalance {
		s.resetAssignments(g, protocol.Fail(protocol.RebalanceInProgress, "group %q rebalances again: %s", g.id, why))
	}
	s.stopExpectingSyncs(g)
	initial := g.state == Empty
	g.phase = joinPhase{started: s.now, arrivals: g.phase.arrivals, lastArrival: g.phase.lastArrival, ready: g.phase.ready}
	s.releaseHeld(g, protocol.Fail(protocol.RebalanceInProgress, "group %q rebalances: %s", g.id, why))
	g.to(PreparingRebalance, s.now)
	s.note(RebalanceStarted, g, member, why)
	switch {
	case !initial:
		s.set(JoinTimer, g, "", s.now.Add(g.rebalanceTimeout()))
		s.maybeEndJoin(g)
	case s.cfg.InitialDelay <= 0:
		g.phase.due = true
		s.makeReady(g)
	default:
		g.phase.delay = s.cfg.InitialDelay
		g.phase.remaining = max(g.rebalanceTimeout()-s.cfg.InitialDelay, 0)
		s.set(JoinTimer, g, "", s.now.Add(g.phase.delay))
	}
}

// maybeEndJoin makes the join phase ready to end if everybody is there. A first rebalance waits for its delay.
func (s *Shard) maybeEndJoin(g *group) {
	if g.state == PreparingRebalance && g.mayEndJoin() {
		s.makeReady(g)
	}
}

func (g *group) mayEndJoin() bool {
	return g.phase.due || g.allJoined() && (g.previous != Empty || g.phase.early)
}

// endJoinEarly is maybeEndJoin after a session ended: then a first rebalance does not wait on.
func (s *Shard) endJoinEarly(g *group) {
	if g.state == PreparingRebalance && g.allJoined() {
		g.phase.early = true
		s.makeReady(g)
	}
}

func (s *Shard) makeReady(g *group) {
	if !g.phase.ready {
		g.phase.ready = true
		s.ready = append(s.ready, g)
	}
}

// joinTimerRang ends the join phase, or extends the first rebalance's delay when members came meanwhile, never past
// the rebalance timeout (J8).
func (s *Shard) joinTimerRang(id string) {
	g := s.groups[id]
	if g == nil || g.state != PreparingRebalance {
		return
	}
	p := &g.phase
	if g.previous == Empty && p.newcomers && p.remaining > 0 {
		p.newcomers = false
		delay := min(s.cfg.InitialDelay, p.remaining)
		p.delay, p.remaining = delay, max(p.remaining-p.delay, 0)
		s.set(JoinTimer, g, "", s.now.Add(delay))
		return
	}
	p.due = true
	s.makeReady(g)
}

// drained ends the join phase of a group that is ready, unless that changed meanwhile or a crowd is still coming.
func (s *Shard) drained(e *Drained) {
	for i, g := range s.ready {
		if g.id != e.GroupID {
			continue
		}
		s.ready = append(s.ready[:i], s.ready[i+1:]...)
		g.phase.ready = false
		if s.groups[g.id] == g && g.state == PreparingRebalance && g.mayEndJoin() && !s.settling(g) {
			s.endJoin(g)
		}
		return
	}
}

// arrive notes a new member for settling.
func (s *Shard) arrive(g *group) {
	if s.cfg.JoinSettle <= 0 {
		return
	}
	p := &g.phase
	if p.arrivals == 0 || s.now.Sub(p.lastArrival) > s.cfg.JoinSettle {
		p.arrivals = 0
	}
	p.arrivals++
	p.lastArrival = s.now
}

// settling puts the end of the join phase off while several new members come one shortly after the other. Without it
// five hundred that start together would need a rebalance for each time that nobody was under way for a moment.
func (s *Shard) settling(g *group) bool {
	p := &g.phase
	if p.arrivals < 2 || p.due && !(g.previous == Empty && s.cfg.InitialDelay <= 0) {
		return false
	}
	end := min(p.lastArrival.Add(s.cfg.JoinSettle), p.started.Add(settleMax))
	if s.now >= end {
		return false
	}
	s.set(SettleTimer, g, "", end)
	return true
}

func (s *Shard) settled(id string) {
	if g := s.groups[id]; g != nil {
		s.maybeEndJoin(g)
	}
}

// endJoin forms the next generation of those who are there (J11, J12, J14).
func (s *Shard) endJoin(g *group) {
	s.cancel(JoinTimer, g, "")
	if g.phase.arrivals > 1 {
		s.cancel(SettleTimer, g, "")
	}
	s.removeAbsent(g)
	if g.members.len() > 0 && !g.electJoined() {
		// Static members alone are left and none has come. They keep the group until their sessions end.
		g.phase.due = false
		s.set(JoinTimer, g, "", s.now.Add(g.rebalanceTimeout()))
		return
	}
	g.generation++
	if g.members.len() == 0 {
		s.becomeEmpty(g)
		return
	}
	g.joinsEnded(s.now)
	g.protocol = g.vote()
	g.learnTopics()
	g.to(CompletingRebalance, s.now)
	s.note(GenerationFormed, g, g.leader, reason{})
	for m := g.members.first; m != nil; m = m.next {
		if token := m.join; token != 0 {
			g.park(m, 0)
			s.reply(token, g.current(m))
		}
		m.isNew = false
		g.expectSync(m, true)
		s.restartSession(g, m)
	}
	s.set(SyncTimer, g, "", s.now.Add(g.rebalanceTimeout()))
}

// removeAbsent removes the dynamic members that did not rejoin.
func (s *Shard) removeAbsent(g *group) {
	for m := g.members.first; m != nil; {
		next := m.next
		if m.join == 0 && !m.static() {
			s.note(MemberRemoved, g, m.id, reason{what: Absent, ours: "it did not rejoin in time"})
			g.absentNoted(m, false, s.now)
			s.drop(g, m, protocol.Fail(protocol.UnknownMemberID, "member %q of group %q did not rejoin in time", m.id, g.id))
		}
		m = next
	}
}

// electJoined makes the oldest member that joined the leader if the leader did not join. False if nobody joined.
func (g *group) electJoined() bool {
	if m := g.members.get(g.leader); m != nil && m.join != 0 {
		return true
	}
	for m := g.members.first; m != nil; m = m.next {
		if m.join != 0 {
			g.leader = m.id
			return true
		}
	}
	return false
}

// becomeEmpty writes down that nobody is left. If that fails, the generation before comes back on the next load and
// its members' sessions end: nothing to do about it.
func (s *Shard) becomeEmpty(g *group) {
	g.protocol = ""
	g.learnTopics()
	g.to(Empty, s.now)
	g.forgetSyncs()
	s.noteIdle(g)
	s.note(GroupEmptied, g, "", reason{})
	v := g.value()
	s.append(Record{Kind: GroupStored, Group: g.id, Value: v})
	s.writeDiary(g, v)
}

// value is the group as it is to be written.
func (g *group) value() *GroupValue {
	v := &GroupValue{ProtocolType: g.protocolType, Generation: g.generation, Protocol: g.protocol, Leader: g.leader, StateTime: g.stateTime}
	if g.members.len() > 0 {
		v.Members = make([]MemberValue, 0, g.members.len())
	}
	for m := g.members.first; m != nil; m = m.next {
		v.Members = append(v.Members, MemberValue{
			MemberID: m.id, InstanceID: m.instance, ClientID: m.clientID, ClientHost: m.clientHost,
			RebalanceTimeout: m.rebalanceTimeout, SessionTimeout: m.sessionTimeout,
			Subscription: m.metadata(g.protocol), Assignment: m.assignment,
		})
	}
	return v
}
