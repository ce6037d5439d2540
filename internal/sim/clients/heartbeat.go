package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim/check"
)

// beat sends heartbeats until the generation is over.
func (m *Member) beat() {
	if !m.stable {
		return
	}
	generation := m.generation
	q := protocol.NewHeartbeatRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.GenerationID = m.World.Group, m.memberID, orNull(m.instance), m.generation
	pending := m.World.Recorder.Begin(m.operation(check.Heartbeat))
	m.beatAt(generation, q, pending)
	m.beats = m.Machine.After(m.rand.Between(beatInterval*9/10, beatInterval*11/10), m.beat)
}

// beatAt sends a heartbeat where the coordinator is taken to be.
func (m *Member) beatAt(generation int32, q *protocol.HeartbeatRequest, pending *check.Pending) {
	broker, known := m.coordinators[m.World.Group]
	if !known {
		pending.End(check.Info, nil)
		m.coordinator(m.World.Group, func(int) {})
		return
	}
	sent := beat{at: m.World.Now(), disturbance: m.World.Disturbance, broker: broker, valid: true}
	m.ask(broker, q, RequestTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			m.astray(m.World.Group, protocol.None, err)
			pending.End(check.Info, nil)
			return
		}
		code := answer.(*protocol.HeartbeatResponse).ErrorCode
		m.astray(m.World.Group, code, nil)
		pending.End(check.OutcomeOf(code.String()), nil)
		if !m.stable || m.generation != generation {
			return
		}
		if code == protocol.None {
			m.lastBeat = sent
			return
		}
		m.World.Notef("%s heartbeat: %v", m.Name, code)
		switch code {
		case protocol.CoordinatorLoadInProgress, protocol.NotCoordinator, protocol.CoordinatorNotAvailable:
		case protocol.RebalanceInProgress:
			if m.rand.Chance(400) && len(m.positions) > 0 { // the last commit before the partitions are given up
				m.commit(func() {})
			}
			m.rejoin()
		default:
			m.obey(code)
		}
	})
}

// expired: the coordinator does not know the member any more. It must not be so shortly after a good heartbeat, if nothing
// happened in between that could explain it. Another coordinator has its own time: the one before may have answered while it
// was cut off and did not know that it had been replaced.
func (m *Member) expired() {
	b := m.lastBeat
	since := m.World.Now().Sub(b.at)
	broker, known := m.coordinators[m.World.Group]
	if b.valid && known && b.broker == broker && b.disturbance == m.World.Disturbance && since < SessionTimeout/3 {
		m.World.Wrong("early-expiry", m.process(), "the member is unknown %v after a heartbeat that was answered; its session timeout is %v",
			since.Round(time.Millisecond), SessionTimeout)
	}
}

// misbehave is what the nemesis does to members.
func (m *Member) misbehave() {
	if !m.Machine.Alive() {
		return
	}
	switch m.rand.IntN(5) {
	case 0: // dies and comes back
		m.crash()
	case 1: // leaves, and comes back
		if m.memberID != "" {
			q := protocol.NewLeaveGroupRequest()
			q.GroupID = m.World.Group
			q.Members = []protocol.LeaveGroupRequestMemberIdentity{{MemberID: m.memberID, GroupInstanceID: orNull(m.instance)}}
			m.coordinator(m.World.Group, func(broker int) { m.ask(broker, q, RequestTimeout, func(protocol.Message, error) {}) })
		}
		m.stop()
		m.later(time.Millisecond, 20*time.Millisecond, m.crash)
	case 2: // stands still and goes on as if nothing had been
		m.World.Notef("%s stalls", m.Name)
		m.World.Disturbance++
		m.Machine.Pause()
		m.World.After(m.rand.Between(500*time.Millisecond, 6*time.Second), m.Machine.Resume)
	case 3: // asks for its offsets at any time
		if len(m.owned) > 0 {
			m.fetchCommitted(m.World.Group, m.process(), m.owned, nil)
		}
	case 4: // commits what it had in the generation before
		m.commitLate()
	}
}

// commitLate is a commit that a forgotten thread sends, of the generation before.
func (m *Member) commitLate() {
	if !m.stable {
		return
	}
	m.commits++
	op := m.operation(check.Commit)
	op.Generation--
	op.Offsets = []check.Committed{{Partition: check.Partition{Topic: m.World.Topic}, Metadata: fmt.Sprintf("%s#%d late", m.process(), m.commits)}}
	m.commitOffsets(op, func(code protocol.Code, err error) {
		if err == nil && code != protocol.None {
			m.World.Reach("late commit refused")
		}
	})
}

func (m *Member) crash() {
	m.stop()
	m.World.Recorder.Begin(check.Operation{Process: m.process(), Kind: check.Crash}).End(check.OK, nil)
	m.restart(m.rand.Between(0, 5*time.Second), m.start)
}
