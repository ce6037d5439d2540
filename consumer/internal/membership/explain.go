package membership

import (
	"fmt"
	"time"
)

var stateNames = [...]string{"Idle", "Finding", "Releasing", "Joining", "Assigning", "Syncing", "Stable", "Expired", "Leaving", "Failed", "Over"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", int8(s))
}

// Explain says in one sentence what the member does or waits for.
func (m *Machine) Explain(now time.Time) string {
	if m.state != Over && m.state != Failed && now.Before(m.retryAt) {
		return fmt.Sprintf("waits %v before it tries again, after %d failures", m.retryAt.Sub(now).Round(time.Millisecond), m.failures)
	}
	switch m.state {
	case Idle:
		if len(m.topics) == 0 {
			return "has no subscription"
		}
		if !m.polled {
			return "waits for the first Poll before it joins the group"
		}
		return "is not in the group"
	case Finding:
		return "waits for the address of the group's coordinator"
	case Releasing:
		return fmt.Sprintf("waits for the application to come back to Poll and give up %d partitions before it joins again (%s)", len(m.giving), m.rejoin)
	case Joining:
		return "has sent JoinGroup and waits for the other members, at most their rebalance timeout"
	case Assigning:
		return "leads the group and computes the assignment with " + m.protocol
	case Syncing:
		if m.leader {
			return "has sent the assignment and waits until the coordinator has written it"
		}
		return "waits for the leader's assignment"
	case Stable:
		if len(m.giving) > 0 {
			return fmt.Sprintf("has %d partitions in generation %d, and waits for the application to give up %d", len(m.owned), m.generation, len(m.giving))
		}
		return fmt.Sprintf("has %d partitions in generation %d", len(m.owned), m.generation)
	case Expired:
		return "is out of the group because the application did not call Poll within max.poll.interval.ms; it joins at the next Poll"
	case Leaving:
		return "leaves the group"
	case Failed:
		return "was refused by the coordinator"
	}
	return "is closed"
}
