package server

import (
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// Traffic goes through the connections and counts what is under way. Nothing is kept for it beside what serves the requests.
func (s *Server) Traffic() api.Traffic {
	t := api.Traffic{
		Listeners: map[string]int{}, Requests: map[protocol.Key]api.UnderWay{},
		Accepted: s.Counters.ConnectionsAccepted.Load(), Refused: s.Counters.ConnectionsRefused.Load(), Failed: s.Counters.ConnectionsFailed.Load(),
		Total: s.Counters.Requests.Load(), RequestBytes: s.Counters.RequestBytes.Load(), ResponseBytes: s.Counters.ResponseBytes.Load(),
		BytesInFlight: s.budget.inUse(), BytesInFlightMax: s.budget.max,
	}
	for _, c := range s.connections() {
		c.look(&t, time.Since(s.began))
	}
	return t
}

// look adds one connection. now counts from Server.began.
func (c *conn) look(t *api.Traffic, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Listeners[c.listener]++
	if c.waiting {
		t.Paused++
	}
	for i := range c.queue.len() {
		r := c.queue.at(i)
		if r.key == protocol.KeyDescribeNode {
			continue // who looks is not part of the picture
		}
		u := t.Requests[r.key]
		switch {
		case r.completed:
			u.Ended++
		case i >= c.next:
			u.Queued++
		default:
			u.Waiting++
		}
		u.Oldest = max(u.Oldest, now-time.Duration(r.arrived))
		t.Requests[r.key] = u
	}
}
