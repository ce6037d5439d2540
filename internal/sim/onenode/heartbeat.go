package onenode

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim/check"
)

// beat sends heartbeats until the generation is over.
func (m *member) beat() {
	if !m.stable {
		return
	}
	generation := m.generation
	q := protocol.NewHeartbeatRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.GenerationID = groupName, m.memberID, orNull(m.instance), m.generation
	pending := m.world.recorder.Begin(m.operation(check.Heartbeat))
	sent := beat{at: m.world.Now(), disturbance: m.world.disturbance, valid: true}
	m.ask(q, requestTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			pending.End(check.Info, nil)
			return
		}
		code := answer.(*protocol.HeartbeatResponse).ErrorCode
		pending.End(check.OutcomeOf(code.String()), nil)
		if !m.stable || m.generation != generation {
			return
		}
		if code == protocol.None {
			m.lastBeat = sent
			return
		}
		m.world.Notef("%s heartbeat: %v", m.name, code)
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
	m.beats = m.machine.After(m.rand.Between(beatInterval*9/10, beatInterval*11/10), m.beat)
}

// expired: the coordinator does not know the member any more. It must not be so shortly after a good heartbeat, if nothing
// happened in between that could explain it.
func (m *member) expired() {
	b := m.lastBeat
	since := m.world.Now().Sub(b.at)
	if b.valid && b.disturbance == m.world.disturbance && since < sessionTimeout/3 {
		m.world.wrong("early-expiry", m.process(), "the member is unknown %v after a heartbeat that was answered; its session timeout is %v",
			since.Round(time.Millisecond), sessionTimeout)
	}
}

// misbehave is what the nemesis does to members.
func (m *member) misbehave() {
	if !m.machine.Alive() {
		return
	}
	switch m.rand.IntN(5) {
	case 0: // dies and comes back
		m.crash()
	case 1: // leaves, and comes back
		if m.memberID != "" {
			q := protocol.NewLeaveGroupRequest()
			q.GroupID = groupName
			q.Members = []protocol.LeaveGroupRequestMemberIdentity{{MemberID: m.memberID, GroupInstanceID: orNull(m.instance)}}
			m.ask(q, requestTimeout, func(protocol.Message, error) {})
		}
		m.stop()
		m.later(time.Millisecond, 20*time.Millisecond, m.crash)
	case 2: // stands still and goes on as if nothing had been
		m.world.Notef("%s stalls", m.name)
		m.world.disturbance++
		m.machine.Pause()
		m.world.After(m.rand.Between(500*time.Millisecond, 6*time.Second), m.machine.Resume)
	case 3: // asks for its offsets at any time
		if len(m.owned) > 0 {
			m.fetchCommitted(groupName, m.process(), m.owned, nil)
		}
	case 4: // commits what it had in the generation before
		m.commitLate()
	}
}

// commitLate is a commit that a forgotten thread sends, of the generation before.
func (m *member) commitLate() {
	if !m.stable {
		return
	}
	m.commits++
	op := m.operation(check.Commit)
	op.Generation--
	op.Offsets = []check.Committed{{Partition: check.Partition{Topic: topicName}, Metadata: fmt.Sprintf("%s#%d late", m.process(), m.commits)}}
	m.commitOffsets(op, func(code protocol.Code, err error) {
		if err == nil && code != protocol.None {
			m.world.reach("late commit refused")
		}
	})
}

func (m *member) crash() {
	m.stop()
	m.world.recorder.Begin(check.Operation{Process: m.process(), Kind: check.Crash}).End(check.OK, nil)
	m.restart(m.rand.Between(0, 5*time.Second), m.start)
}
