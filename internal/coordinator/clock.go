package coordinator

import (
	"time"

	"github.com/skein-io/skein/internal/group"
)

// clock gives a loop its time. It starts at the time of day and goes with the monotonic clock from then on: a clock
// that is set does not end sessions.
type clock struct {
	start time.Time
	base  group.Instant
}

func newClock() clock {
	now := time.Now()
	return clock{start: now, base: group.Instant(now.UnixMilli())}
}

func (c *clock) now() group.Instant { return c.base.Add(time.Since(c.start)) }

// until is the time from now to an instant; not negative.
func (c *clock) until(at group.Instant) time.Duration {
	return max(time.Until(c.start.Add(at.Sub(c.base))), 0)
}
