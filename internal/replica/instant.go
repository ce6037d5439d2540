package replica

import (
	"math"
	"time"
)

// Instant is a point in time in milliseconds of a monotonic clock, counted from anywhere.
type Instant int64

// never is before every Instant that a clock gives.
const never Instant = math.MinInt64 / 4

// Add is the instant d later. It stops at the end of time instead of turning round.
func (t Instant) Add(d time.Duration) Instant {
	ms := d.Milliseconds()
	if ms > 0 && int64(t) > math.MaxInt64-ms {
		return Instant(math.MaxInt64)
	}
	return t + Instant(ms)
}

// Sub is the time from u to t, at most some hundred years.
func (t Instant) Sub(u Instant) time.Duration {
	ms := int64(t - u)
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
