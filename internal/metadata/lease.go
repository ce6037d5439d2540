package metadata

import "time"

// Lease is how long a broker may take itself for what the cluster's image says of it, after it sent a heartbeat that was
// answered: two thirds of its session. Until then no controller has fenced it, so nobody else leads what it leads, though it
// hears nothing. The controller that answered ends the session later than that. Another that begins was elected at least the
// quorum's election timeout after a majority heard the one before, and gives the broker as long as this again. What is left is
// for clocks that do not run at the same rate.
func Lease(session time.Duration) time.Duration { return session * 2 / 3 }
