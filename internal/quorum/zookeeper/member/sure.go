package member

import (
	"fmt"
	"time"
)

// Sure is until when the session cannot have expired: a third of its timeout before it can have at the earliest, by what the
// ensemble's leader has answered. Zero if there is none that is known.
func (m *Machine) Sure() time.Time {
	if m.heard.IsZero() || !m.registered {
		return time.Time{}
	}
	return m.heard.Add(m.timeout * 2 / 3)
}

// Timeout is the session's, as negotiated; 0 before there was one.
func (m *Machine) Timeout() time.Duration { return m.timeout }

// keepEvery is how often the ensemble's leader is asked, at least: four times before the session is not sure any more.
func (m *Machine) keepEvery() time.Duration { return m.timeout / 6 }

// fence ends the controller's time when the session may expire soon: another could lead then.
func (m *Machine) fence(now time.Time, out *Effects) {
	if m.role != following && !now.Before(m.heard.Add(m.timeout*2/3)) {
		m.resign(fmt.Sprintf("ZooKeeper has not answered since %v, and the session of %v may expire", now.Sub(m.heard).Round(time.Millisecond), m.timeout), out)
	}
}
