// Package quota decides how many bytes may pass: a rate over windows of time, as Kafka measures its quotas. It is given the
// time and has no clock; who asks it waits, or does not. Start with Rate.
package quota

import (
	"math"
	"time"
)

// Unlimited is the limit under which everything may pass.
const Unlimited int64 = math.MaxInt64

// Rate is what has passed in the newest windows, and the limit for it. The time of its methods is that of a monotonic clock,
// counted from anywhere. The zero value lets everything pass. It allocates in Configure only.
//
// The average is taken from the oldest window that holds something until now, and over one window at least: after a pause the
// limit of one window may pass at once, and what was not used is not saved up.
//
//	begin            begin+width                     now
//	| oldest, not empty |        |   empty   |  newest |
//	|<------------------- the average ---------------->|   at most len(sums) windows
type Rate struct {
	limit int64         // bytes in a second
	width time.Duration // of a window

	sums  []int64       // a ring: what passed in each window
	first int           // the oldest window's place in it
	used  int           // windows from the oldest to the newest in which something passed; 0 while nothing has
	begin time.Duration // of the oldest window
	total int64         // the sum of sums
}

// Configure sets the limit in bytes per second, and how many windows are looked at and how long each is. What has passed
// is forgotten when the windows change.
func (r *Rate) Configure(limit int64, windows int, width time.Duration) {
	if len(r.sums) != windows || r.width != width {
		*r = Rate{width: width, sums: make([]int64, windows)}
	}
	r.limit = limit
}

// Pass notes that n bytes have passed, whether there was room for them or not.
func (r *Rate) Pass(now time.Duration, n int64) {
	if len(r.sums) == 0 || n <= 0 {
		return
	}
	r.forget(now)
	if r.used == 0 {
		r.begin = now
	}
	at := r.window(now)
	r.used = max(r.used, at+1)
	r.sums[(r.first+at)%len(r.sums)] += n
	r.total += n
}

// Room is how many bytes may pass now with the rate still under its limit. It is negative while the rate is over it: nothing
// may pass then. At 0 one piece may, however large it is, or a piece larger than all that ever finds room would never pass.
func (r *Rate) Room(now time.Duration) int64 {
	if r.limit == Unlimited || len(r.sums) == 0 {
		return Unlimited
	}
	r.forget(now)
	over := r.width
	if r.used > 0 {
		over = max(over, now-r.begin)
	}
	room := float64(r.limit)*over.Seconds() - float64(r.total)
	if room >= float64(Unlimited) {
		return Unlimited
	}
	return int64(math.Floor(room))
}

// Wait is how long nothing may pass: until Room is not negative any more, or a window is forgotten, after which it is to be
// asked again.
func (r *Rate) Wait(now time.Duration) time.Duration {
	if r.Room(now) >= 0 {
		return 0
	}
	forgotten := r.begin + time.Duration(len(r.sums))*r.width - now
	if r.limit == 0 {
		return forgotten
	}
	paid := time.Duration(math.Ceil(float64(r.total)/float64(r.limit)*float64(time.Second))) - (now - r.begin)
	return max(min(paid, forgotten), 1)
}

// window is which window a time falls into, counted from the oldest. A caller may have taken its time before another one did
// that came first.
func (r *Rate) window(now time.Duration) int { return max(int((now-r.begin)/r.width), 0) }

// forget drops the windows that are too old, and empty ones behind them.
func (r *Rate) forget(now time.Duration) {
	for r.used > 0 && (r.window(now) >= len(r.sums) || r.sums[r.first] == 0) {
		r.total -= r.sums[r.first]
		r.sums[r.first] = 0
		r.first = (r.first + 1) % len(r.sums)
		r.begin += r.width
		r.used--
	}
}
