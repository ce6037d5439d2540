package membership

import (
	"slices"
	"time"
)

// beats reports whether the member is in a generation and has to tell that it is alive. While it joins or syncs, the
// open request tells that. While it computes the assignment no request is open, and that may take as long as metadata
// does.
func (m *Machine) beats() bool {
	return m.generation >= 0 && (m.state == Stable || m.state == Releasing || m.state == Assigning)
}

// rebalancing is why a member joins that was told to.
const rebalancing = "the group is rebalancing"

func (m *Machine) heartbeat(now time.Time, out *Effects) {
	if !m.beats() || m.beat != 0 || now.Before(m.beatDue) {
		return
	}
	m.beat = m.nextAttempt()
	m.beatDue = now.Add(m.cfg.HeartbeatInterval)
	*out = append(*out, Heartbeat{Attempt: m.beat, MemberID: m.memberID, Generation: m.generation})
}

// heardOf notes that the coordinator has answered well: the session begins anew.
func (m *Machine) heardOf(now time.Time) {
	m.sessionEnds = now.Add(m.cfg.SessionTimeout)
	m.beatDue = now.Add(m.cfg.HeartbeatInterval)
	m.beat = 0
}

func (m *Machine) beaten(now time.Time, e Beaten, out *Effects) {
	if e.Attempt != m.beat || m.beat == 0 {
		return
	}
	m.beat = 0
	v := e.Failure.verdict()
	if m.state == Joining && v != outdated && v != forgotten {
		return // it tells of the rebalance that JoinGroup was sent for, or of nothing that JoinGroup will not tell
	}
	if e.Failure.OK() {
		m.sessionEnds = now.Add(m.cfg.SessionTimeout)
		m.failures = 0
		return
	}
	switch v {
	case again:
		m.pause(now)
	case find:
		m.coordinatorLost(now, e.Failure.String(), out)
	case rejoin:
		m.sessionEnds = now.Add(m.cfg.SessionTimeout)
		m.overtaken(rebalancing)
	case outdated, forgotten:
		m.dropGeneration(now, e.Failure, out)
	default:
		m.fail("Heartbeat", e.Failure, out)
	}
}

// dropGeneration ends the membership in this generation: another may own what was this member's.
func (m *Machine) dropGeneration(now time.Time, f Failure, out *Effects) {
	if f.verdict() == forgotten {
		m.memberID = ""
	}
	m.rejoin = ""
	m.lose(now, f.String(), out)
}

func (m *Machine) generationLost(now time.Time, e GenerationLost, out *Effects) {
	if !m.beats() || e.Generation != m.generation {
		return
	}
	f := Failure{Code: e.Code}
	switch f.verdict() {
	case outdated, forgotten:
		m.dropGeneration(now, f, out)
	case rejoin:
		if m.state != Assigning { // it says no more than that the assignment is not there yet
			m.wantRejoin(rebalancing)
		}
	case impossible:
		m.fail("OffsetCommit", f, out)
	}
}

// overtaken makes the member join again: an assignment that it computes is for a generation that is over.
func (m *Machine) overtaken(why string) {
	if m.state == Assigning {
		m.rest()
	}
	m.wantRejoin(why)
}

// checkSession gives the coordinator up when it has not answered for a session: it may be gone without a word.
func (m *Machine) checkSession(now time.Time, out *Effects) {
	if m.beats() && m.known && !now.Before(m.sessionEnds) {
		m.coordinatorLost(now, "no heartbeat was answered within the session timeout", out)
	}
}

func (m *Machine) coordinatorLost(now time.Time, why string, out *Effects) {
	if !m.known {
		return
	}
	switch m.state {
	case Joining, Syncing:
		return // the open request will tell
	case Assigning:
		m.overtaken(why)
	}
	m.known, m.beat = false, 0
	m.beatDue = now
	m.sessionEnds = now.Add(m.cfg.SessionTimeout)
	m.pause(now)
	*out = append(*out, m.note(now, "looks for the coordinator: "+why))
}

func (m *Machine) found(now time.Time, attempt uint64) {
	if m.state == Finding && attempt == m.attempt {
		m.known = true
		m.sessionEnds = now.Add(m.cfg.SessionTimeout) // it has not been asked anything yet
	}
}

func (m *Machine) missing(now time.Time, e CoordinatorMissing, out *Effects) {
	if m.state != Finding || e.Attempt != m.attempt {
		return
	}
	m.rest()
	if e.Failure.verdict() == impossible {
		m.fail("FindCoordinator", e.Failure, out)
		return
	}
	m.pause(now)
	*out = append(*out, m.note(now, "found no coordinator: "+e.Failure.String()))
}

// pollExpired leaves the group when the application has not polled for max.poll.interval.ms: what it holds is
// somebody else's turn. A static member only falls silent (KIP-345).
func (m *Machine) pollExpired(now time.Time, out *Effects) bool {
	if !m.pollBounded() || now.Before(m.pollEnds) {
		return false
	}
	const reason = "the application did not call Poll within max.poll.interval.ms"
	*out = append(*out, m.note(now, reason))
	if m.cfg.Static {
		if m.state == Joining || m.state == Assigning || m.state == Syncing {
			m.wantRejoin(reason) // the answer, if it comes, is not looked at: it has no assignment of that generation
		}
		m.state, m.retryAt = Expired, time.Time{}
		return true
	}
	id, known := m.memberID, m.known
	m.lose(now, reason, out)
	m.memberID, m.rejoin, m.retryAt = "", "", time.Time{}
	m.state = Expired
	if known && id != "" {
		*out = append(*out, Leave{Attempt: m.nextAttempt(), MemberID: id, Reason: reason})
	}
	return true
}

// pollBounded reports whether max.poll.interval.ms runs: the application works while the member is in the group, or
// on its way into it.
func (m *Machine) pollBounded() bool {
	if !m.polled || m.polling || m.end != goOn {
		return false
	}
	return m.generation >= 0 || m.state == Joining || m.state == Assigning || m.state == Syncing
}

// finish carries out an ending: the application gives everything up, then the member leaves.
func (m *Machine) finish(now time.Time, out *Effects) bool {
	if m.awaitsID(now) {
		return false
	}
	if m.state != Failed && m.state != Expired && m.state != Finding && !m.hasToGoThrough() {
		m.rest() // an answer that is still on its way changes nothing
	}
	if m.ticket == 0 && len(m.owned) > 0 {
		m.revoke(now, slices.Clone(m.owned), "the member leaves the group", out)
		return true
	}
	leaves := m.memberID != "" && m.end != toCloseAndStay
	if m.ticket != 0 || m.hasToGoThrough() || leaves && !m.known && m.state != Failed && m.state != Expired {
		return m.stayAlive(now, out)
	}
	m.attempt = m.nextAttempt()
	m.retryAt = time.Time{}
	if leaves && m.known {
		m.state = Leaving
		*out = append(*out, m.note(now, "leaves the group"), Leave{Attempt: m.attempt, MemberID: m.memberID, Reason: m.leaveReason()})
		return false
	}
	m.ended(out)
	return true
}

// hasToGoThrough reports whether a member that ends goes on with the rebalance that it is in. While it has something to
// give up it does: a commit is refused from the answer to JoinGroup until the leader's SyncGroup, and the leader may be
// this very member. One that does not leave does not let the others wait for its SyncGroup either.
func (m *Machine) hasToGoThrough() bool {
	holds := m.ticket != 0 || len(m.owned) > 0
	switch m.state {
	case Joining, Syncing:
		return holds
	case Assigning:
		return holds || m.end == toCloseAndStay
	}
	return false
}

// memberIDMax is how long a member that ends waits for the id that it is being given. A coordinator answers the first JoinGroup
// at once since KIP-394; an older one when the group has come together.
const memberIDMax = 5 * time.Second

// awaitsID reports whether the answer to the first JoinGroup is on its way. It brings the id with which the member leaves;
// without that the coordinator waits for it until the session is over.
func (m *Machine) awaitsID(now time.Time) bool {
	if m.state != Joining || m.memberID != "" || m.end == toCloseAndStay {
		m.idEnds = time.Time{}
		return false
	}
	if m.idEnds.IsZero() {
		m.idEnds = now.Add(memberIDMax)
	}
	return now.Before(m.idEnds)
}

// stayAlive keeps the session while the application gives up what it has, and looks for the coordinator if need be, for
// as long as the application waits: LeaveGroup goes there.
func (m *Machine) stayAlive(now time.Time, out *Effects) bool {
	if !m.retryAt.IsZero() {
		if now.Before(m.retryAt) {
			return false
		}
		m.retryAt = time.Time{}
	}
	switch {
	case m.state == Failed || m.state == Expired || m.state == Joining || m.state == Syncing:
		return false
	case !m.known:
		return m.find(now, out)
	case m.state == Finding:
		m.rest()
	}
	m.heartbeat(now, out)
	return false
}

func (m *Machine) leaveReason() string {
	if m.end == toIdle {
		return "the consumer unsubscribed"
	}
	return "the consumer is being closed"
}

func (m *Machine) left(attempt uint64) {
	if m.state == Leaving && attempt == m.attempt {
		m.state = Idle
		m.memberID = ""
	}
}

// ended makes the member one that never joined, or one that is over.
func (m *Machine) ended(out *Effects) {
	end := m.end
	m.memberID, m.generation, m.leader, m.rejoin = "", -1, false, ""
	m.beat, m.end = 0, goOn
	m.had, m.hadGeneration = nil, -1
	m.withheld, m.followAt = false, time.Time{}
	m.state = Idle
	if end != toIdle {
		m.state = Over
	}
	*out = append(*out, Ended{})
}
