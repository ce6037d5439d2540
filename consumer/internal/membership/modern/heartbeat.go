package modern

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// beat sends a heartbeat: everything at first and after a failure, later what has changed.
func (m *Machine) beat(now time.Time, out *membership.Effects) {
	if m.epoch == joining {
		m.full = true
		*out = append(*out, note(now, "joins with epoch 0"))
	}
	m.open = m.request(heartbeat)
	m.beatDue = now.Add(m.interval)
	h := membership.ConsumerHeartbeat{Attempt: m.open.attempt, MemberID: m.cfg.MemberID, Epoch: m.epoch, Full: m.full, Wait: m.patience()}
	if m.full || m.subscriptionChanged() {
		h.Topics = m.topics
	}
	held := keys(m.owned, m.giving)
	if m.full || m.ack || !slices.Equal(m.toldOwn, held) {
		h.Owned = held
	}
	m.told, m.toldOwn, m.claims = m.topics, held, h.Owned != nil
	m.full, m.soon, m.ack = false, false, false
	*out = append(*out, h)
}

// subscriptionChanged reports that the coordinator has to hear of it. That there is none it hears by the leave.
func (m *Machine) subscriptionChanged() bool {
	return len(m.topics) > 0 && !slices.Equal(m.told, m.topics)
}

// patience is how long an answer is waited for: three intervals. The coordinator answers at once, and how long the session
// is only it knows.
func (m *Machine) patience() time.Duration { return max(3*m.interval, time.Second) }

// leaveWaitMax is how long the answer to a leave is waited for at most: an application that closes waits, too.
const leaveWaitMax = 5 * time.Second

// leave sends a heartbeat that says no more than that the member leaves.
func (m *Machine) leave(k kind, epoch int32, out *membership.Effects) {
	m.open = m.request(k)
	*out = append(*out, membership.ConsumerHeartbeat{Attempt: m.open.attempt, MemberID: m.cfg.MemberID, Epoch: epoch, Wait: min(m.patience(), leaveWaitMax)})
}

// epochToLeave is that of a member that comes back: a static one keeps its partitions meanwhile.
func (m *Machine) epochToLeave() int32 {
	if m.cfg.Static {
		return leavingToReturn
	}
	return leaving
}

func (m *Machine) beaten(now time.Time, e membership.ConsumerBeaten, out *membership.Effects) {
	if e.Attempt != m.open.attempt || m.open.kind == nothing {
		return
	}
	was := m.open.kind
	m.open = request{}
	switch was {
	case farewell:
		m.ended(out)
		return
	case release:
		m.leftToJoin(now, e.Failure, out)
		return
	}
	if !e.Failure.OK() {
		m.refused(now, e.Failure, out)
		return
	}
	if e.Epoch <= joining {
		m.fail(membership.Failure{Code: membership.UnknownServerError, Text: fmt.Sprintf("the coordinator answered with the member epoch %d", e.Epoch)}, out)
		return
	}
	m.failures, m.unsure, m.claims = 0, false, false
	if m.interval = min(max(e.Interval, intervalLeast), intervalMost); e.Interval <= 0 {
		m.interval = intervalFirst
	}
	m.beatDue = now.Add(m.interval)
	first := m.epoch == joining
	m.epoch = e.Epoch
	if first {
		*out = append(*out, note(now, fmt.Sprintf("is in the group with epoch %d", e.Epoch)))
	}
	// The answer to who joins, or says everything, has the assignment even if it is the one of before.
	if target := sortedKeys(e.Target); first || e.Assigned && !slices.Equal(target, m.target) {
		m.target = target
		m.renewed, m.tell = true, m.tell || first
		m.nameAt, m.nameFailures = time.Time{}, 0
	}
}

// refused acts on a failure of a heartbeat.
func (m *Machine) refused(now time.Time, f membership.Failure, out *membership.Effects) {
	join, v := m.epoch == joining, verdictOf(f, m.epoch == joining)
	if v == unreleased && !m.unsure {
		v = impossible
	}
	m.full = true
	switch v {
	case impossible:
		m.fail(f, out)
		return
	case findAgain:
		m.coordinatorLost(now, f.String(), out)
		m.unsure = m.unsure || join
		return
	}
	*out = append(*out, note(now, "a heartbeat was refused: "+f.String()))
	switch v {
	case again:
		m.unsure = m.unsure || join
	case forgotten:
		m.unsure = false
		m.lose(now, f.String(), out)
	case fenced:
		m.ghost = m.cfg.Static || join // a dynamic member may join in the place of itself, a static one has to leave
		m.lose(now, f.String(), out)
	case unreleased:
		m.ghost = true
	}
	if join || v == again { // who lost its place joins again at once, who cannot join waits
		m.pause(now)
	}
}

// leftToJoin: the coordinator does not have this member from before any more.
func (m *Machine) leftToJoin(now time.Time, f membership.Failure, out *membership.Effects) {
	switch verdictOf(f, false) {
	case findAgain:
		m.ghost = true
		m.coordinatorLost(now, f.String(), out)
	case again:
		m.ghost = true
		m.pause(now)
	default: // whatever else it says, there is no more to do
		m.ghost, m.unsure = false, false
	}
}

func (m *Machine) coordinatorLost(now time.Time, why string, out *membership.Effects) {
	if !m.known || m.open.kind == farewell {
		return
	}
	switch m.open.kind {
	case heartbeat:
		m.unsure = m.unsure || m.epoch == joining
	case release:
		m.ghost = true
	}
	m.known, m.open, m.full = false, request{}, true
	m.pause(now)
	*out = append(*out, note(now, "looks for the coordinator: "+why))
}

func (m *Machine) found(now time.Time, e membership.CoordinatorFound, out *membership.Effects) {
	if m.open.kind != find || e.Attempt != m.open.attempt {
		return
	}
	m.open = request{}
	if !e.ConsumerProtocol {
		m.fail(membership.Failure{Code: membership.UnsupportedVersion}, out)
		return
	}
	m.known = true
}

func (m *Machine) missing(now time.Time, e membership.CoordinatorMissing, out *membership.Effects) {
	if m.open.kind != find || e.Attempt != m.open.attempt {
		return
	}
	m.open = request{}
	if verdictOf(e.Failure, false) == impossible {
		m.failDoing("FindCoordinator", e.Failure, out)
		return
	}
	m.pause(now)
}

func (m *Machine) fail(f membership.Failure, out *membership.Effects) {
	m.failDoing("ConsumerGroupHeartbeat", advised(f), out)
}

// failDoing ends the member: the application has to be told.
func (m *Machine) failDoing(doing string, f membership.Failure, out *membership.Effects) {
	lost := partitions(m.owned, m.giving)
	m.forget()
	if len(lost) > 0 {
		*out = append(*out, membership.Lose{Partitions: lost, Reason: doing + " was refused: " + f.String()})
	}
	m.state = failed
	if m.end != goOn {
		m.ended(out)
		return
	}
	*out = append(*out, membership.Fail{Doing: doing, Failure: f})
}
