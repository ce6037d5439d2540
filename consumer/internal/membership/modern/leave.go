package modern

import (
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// checkPoll leaves the group when the application has not polled for max.poll.interval.ms: what it holds is somebody
// else's turn.
func (m *Machine) checkPoll(now time.Time, out *membership.Effects) {
	if !m.pollBounded() || now.Before(m.pollEnds) {
		return
	}
	const reason = "the application did not call Poll within max.poll.interval.ms"
	*out = append(*out, note(now, reason))
	in := m.in()
	m.lose(now, reason, out)
	m.state, m.retryAt = expired, time.Time{}
	switch {
	case in && m.known:
		m.leave(release, m.epochToLeave(), out)
	case in:
		m.ghost = true
	}
}

// pollBounded reports whether max.poll.interval.ms runs: the application works while the member is in the group, or
// on its way into it.
func (m *Machine) pollBounded() bool {
	return m.polled && !m.polling && m.end == goOn && m.in()
}

// in reports whether the coordinator has this member, or may have it.
func (m *Machine) in() bool {
	return m.epoch != joining || m.open.kind == heartbeat || m.open.kind == release || m.unsure || m.ghost
}

// finish carries out an ending: the application gives everything up, then the member leaves.
func (m *Machine) finish(now time.Time, out *membership.Effects) {
	if m.ticket == 0 && len(m.owned) > 0 {
		m.revoke(now, slices.Clone(m.owned), "the member leaves the group", out)
	}
	switch {
	case m.ticket != 0:
		m.talk(now, out) // the session goes on while the application gives up what it has
	case m.known && m.in():
		epoch := m.epochToLeave()
		if m.end == toCloseAndLeave {
			epoch = leaving
		}
		*out = append(*out, note(now, "leaves the group"))
		m.forget()
		m.leave(farewell, epoch, out)
	default:
		m.ended(out)
	}
}

// ended makes the member one that never joined, or one that is over.
func (m *Machine) ended(out *membership.Effects) {
	end := m.end
	m.forget()
	m.end, m.ghost, m.unsure, m.retryAt = goOn, false, false, time.Time{}
	m.state = running
	if end != toIdle {
		m.state = over
	}
	*out = append(*out, membership.Ended{})
}
