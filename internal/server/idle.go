package server

import (
	"math"
	"time"
)

// Bounds on how often idle connections are looked for.
const (
	sweepEveryMin = 100 * time.Millisecond
	sweepEveryMax = 10 * time.Second
)

// sweepIdle closes connections that nobody has used for a long time. One goroutine that looks from time to time costs
// less than a timer that every request would have to move.
func (s *Server) sweepIdle() {
	for s.pause(min(max(s.limits().ConnectionsMaxIdle/16, sweepEveryMin), sweepEveryMax)) {
		idleMax := s.limits().ConnectionsMaxIdle
		if idleMax == math.MaxInt64 {
			continue
		}
		for _, c := range s.connections() {
			if since, idle := c.idleSince(); idle && time.Since(since) > idleMax {
				s.Counters.ConnectionsIdle.Add(1)
				c.stop("the connection was idle")
			}
		}
	}
}
