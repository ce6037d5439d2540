package modern

import (
	"fmt"
	"time"
)

// Explain says in one sentence what the member does or waits for.
func (m *Machine) Explain(now time.Time) string {
	switch m.state {
	case over:
		return "is closed"
	case failed:
		return "was refused by the coordinator"
	case expired:
		return "is out of the group because the application did not call Poll within max.poll.interval.ms; it joins at the next Poll"
	}
	switch {
	case m.open.kind == farewell:
		return "leaves the group"
	case m.ticket != 0:
		return fmt.Sprintf("has %d partitions in epoch %d, and waits for the application to come back to Poll and give up %d", len(m.owned), m.epoch, len(m.giving))
	case now.Before(m.retryAt):
		return fmt.Sprintf("waits %v before it tries again, after %d failures", m.retryAt.Sub(now).Round(time.Millisecond), m.failures)
	case len(m.topics) == 0:
		return "has no subscription"
	case !m.polled:
		return "waits for the first Poll before it joins the group"
	case m.open.kind == find:
		return "waits for the address of the group's coordinator"
	case m.open.kind == release:
		return "leaves the group before it joins again"
	case m.epoch == joining:
		return "has sent a heartbeat with epoch 0, and waits for the coordinator to take it in"
	case len(m.unnamed) > 0:
		return fmt.Sprintf("has %d partitions in epoch %d, and waits for metadata to tell the names of %d topics that it is assigned", len(m.owned), m.epoch, len(m.unnamed))
	}
	return fmt.Sprintf("has %d partitions in epoch %d; the coordinator hears of it each %v", len(m.owned), m.epoch, m.interval)
}
