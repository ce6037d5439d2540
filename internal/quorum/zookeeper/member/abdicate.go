package member

import (
	"fmt"
	"time"
)

// retreat is how long a member that has abdicated leaves it to the others to stand for election: they are told at once.
const retreat = 2 * time.Second

// abdicate removes this member's own /controller. Who made it since is not touched: the epoch is another then.
func (m *Machine) abdicate(now time.Time, out *Effects) {
	reason := m.abdicating
	ops := []Op{m.guard(), {Kind: Delete, Path: ControllerPath, Version: AnyVersion}}
	m.ask(now, out, Request{Kind: Multi, Ops: ops}, func(_ time.Time, a *Answer, out *Effects) {
		switch a.Code {
		case OK, NoNode: // somebody else has removed it
			m.resign(reason, out)
		case BadVersion:
			m.resign("another node has become the controller", out)
		}
	})
}

// retreats says whether this member leaves it to others to stand. It looks again when that is over.
func (m *Machine) retreats(now time.Time) bool { return now.Before(m.standAt) }

// endRetreat has the member look whether anybody is the controller.
func (m *Machine) endRetreat(now time.Time) {
	if !m.standAt.IsZero() && !m.retreats(now) {
		m.standAt, m.look.controller = time.Time{}, true
	}
}

// Abdicate has a member give the lead up, so that another can have it, and not take it back at once. Its session goes on.
type Abdicate struct{ Reason error }

func (*Abdicate) event() {}

func (m *Machine) abdicates(e *Abdicate) {
	if m.role == leading {
		m.abdicating = fmt.Sprint(e.Reason)
	}
}

// Abdicating says whether this member is giving the lead up.
func (m *Machine) Abdicating() bool { return m.abdicating != "" }
