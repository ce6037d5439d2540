package group

import (
	"math"
	"time"
)

// Instant is a point in time, in milliseconds since 1970.
type Instant int64

// NoInstant stands where there is no time, as in Kafka's records.
const NoInstant Instant = -1

// Add is the instant d later. It stops at the end of time instead of turning round.
func (t Instant) Add(d time.Duration) Instant {
	ms := d.Milliseconds()
	if ms > 0 && int64(t) > math.MaxInt64-ms {
		return Instant(math.MaxInt64)
	}
	return t + Instant(ms)
}

// Sub is the time from u to t.
func (t Instant) Sub(u Instant) time.Duration {
	return time.Duration(t-u) * time.Millisecond
}
