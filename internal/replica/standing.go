package replica

import "github.com/skein-io/skein/internal/record"

// Standing is why a replica is in the ISR or out of it, as its leader decides. It is for those who want to look.
type Standing uint8

const (
	// InSync: it is in the ISR that the controller has.
	InSync Standing = iota
	// Leaving: it is in it still, and the controller was asked to take it out, for it is behind for too long.
	Leaving
	// Joining: the controller was asked to take it in.
	Joining
	// Silent: it has not fetched in this leader epoch, or its log is not yet the beginning of the leader's.
	Silent
	// Behind: it has not caught up within replica.lag.time.max.ms.
	Behind
	// Unfit: it was fenced, or refused by the controller, and has not fetched since.
	Unfit
	// CatchingUp: it is quick enough, and has not yet all that is committed.
	CatchingUp
	// Waiting: nothing is against it; it will be proposed when the proposal at hand is settled.
	Waiting
)

var standingNames = [...]string{"in", "leaving", "joining", "silent", "behind", "unfit", "catching up", "waiting"}

// String is a word for the standing.
func (s Standing) String() string { return standingNames[s] }

// standing goes through the conditions of shrink and grow in their order, and names the first that decides.
func (s *State) standing(p *progress, now Instant) Standing {
	l := &s.leader
	switch {
	case p.inSync && p.leaving:
		return Leaving
	case p.inSync:
		return InSync
	case p.proposed:
		return Joining
	case !p.matched:
		return Silent
	case !l.current(p, now):
		return Behind
	case !p.eligible:
		return Unfit
	case p.durableEnd < s.highWatermark || p.durableEnd < l.start:
		return CatchingUp
	}
	return Waiting
}

// Told is the newest high watermark that a follower was told by its leader; ok is false if it follows nobody, or was told
// none in this leader epoch.
func (s *State) Told() (highWatermark record.Offset, ok bool) {
	return s.follower.leaderHW, s.role == following && s.follower.matched
}
