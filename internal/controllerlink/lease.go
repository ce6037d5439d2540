package controllerlink

import (
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/metadata"
)

// lease is how long this broker may count on what it knows, see metadata.Lease. It begins with the sending of a heartbeat, and
// only when that has been answered; a broker that the controller has fenced has none. Time is that of the monotonic clock,
// which goes on while the process is stopped.
type lease struct {
	begun time.Time    // of the Link
	until atomic.Int64 // nanoseconds after begun; 0: there is none
}

func (l *lease) extend(sent time.Time, session time.Duration) {
	l.until.Store(max(1, int64(sent.Add(metadata.Lease(session)).Sub(l.begun))))
}

func (l *lease) end() { l.until.Store(0) }

// left is how much there is of it at a time.
func (l *lease) left(now time.Time) time.Duration {
	return max(0, time.Duration(l.until.Load())-now.Sub(l.begun))
}

// Leased says whether at a time no other broker can serve in the place of this one: see metadata.Lease.
func (l *Link) Leased(at time.Time) bool { return l.LeaseLeft(at) > 0 }

// LeaseLeft is for how long from a time on that is so, if no heartbeat is answered.
func (l *Link) LeaseLeft(at time.Time) time.Duration { return l.session.lease.left(at) }

// leases tells OnLease what is new, and returns how long that holds if nothing comes.
func (s *session) leases(now time.Time) time.Duration {
	left := s.lease.left(now)
	if held := left > 0; s.leased == nil || held != *s.leased {
		if s.leased != nil && !held && s.lease.until.Load() > 0 { // else the controller has ended it, and that was told
			s.log().Warn("no controller has answered this broker's heartbeats for a while: it takes itself for fenced")
		}
		s.leased = &held
		s.link.config.OnLease(held)
	}
	if left == 0 {
		return restMax
	}
	return left
}
