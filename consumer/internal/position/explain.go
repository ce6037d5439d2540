package position

import (
	"fmt"
	"time"
)

// Explain says what the partition waits for.
func (p *Part) Explain(now time.Time) string {
	switch {
	case p.Released:
		return "goes to another member; the application has to come back to Poll"
	case p.Paused:
		return "is paused"
	case len(p.queue) > 0:
		return fmt.Sprintf("%d bytes wait for Poll", p.queued)
	case p.retryAt.After(now) && p.failures == 0:
		return fmt.Sprintf("waits %v before its position is set once more: %s", p.retryAt.Sub(now).Round(time.Millisecond), p.Why)
	case p.retryAt.After(now):
		return fmt.Sprintf("waits %v before it is asked for again, after %d failures: %s", p.retryAt.Sub(now).Round(time.Millisecond), p.failures, p.failure)
	}
	switch p.Stage {
	case NeedsCommitted:
		return "waits for its committed offset"
	case NeedsReset:
		if p.Reset.Kind == ToNone {
			return "has no position (" + p.Why + "), and the policy is none"
		}
		if p.Leader < 0 {
			return "has no leader that is known"
		}
		return "waits for its new position: " + p.Why
	case NeedsValidation:
		return fmt.Sprintf("waits for node %d to say whether its log still has what was read", p.Leader)
	}
	switch {
	case p.Leader < 0:
		return "has no leader that is known"
	case p.fetching:
		return fmt.Sprintf("waits for node %d, which has nothing new", p.readFrom(now))
	}
	return "is about to be fetched"
}
