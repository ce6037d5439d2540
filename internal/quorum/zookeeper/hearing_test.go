package zookeeper

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
)

// TestHearing: when a controller is deaf. Node 1 is the controller, a broker is not heard after 2 s, and its session is 18 s long.
func TestHearing(t *testing.T) {
	began := time.Unix(100, 0)
	const never = -time.Second
	for name, c := range map[string]struct {
		brokers int
		happens func(h *hearing)
		want    time.Duration // from began
	}{
		"alone":                             {1, nil, never},
		"one of two is half":                {2, nil, never},
		"two of three never came":           {3, nil, 2 * time.Second},
		"one of three was heard":            {3, func(h *hearing) { h.heard(began.Add(time.Second), 2) }, 3 * time.Second},
		"of five the third that goes":       {5, func(h *hearing) { h.heard(began.Add(time.Second), 2); h.heard(began.Add(4*time.Second), 3) }, 3 * time.Second},
		"four: two are half":                {4, func(h *hearing) { h.heard(began.Add(time.Second), 2) }, 3 * time.Second},
		"a dead process has a session, too": {3, func(h *hearing) { h.heard(began.Add(time.Second), 2); h.lost(2) }, 37 * time.Second},
		"both dead at once":                 {3, func(h *hearing) { h.lost(2); h.lost(3) }, 36 * time.Second},
		"back after its connection ended":   {3, func(h *hearing) { h.lost(2); h.heard(began.Add(time.Second), 2) }, 3 * time.Second},
		"two come at once":                  {1, func(h *hearing) { h.sessions(began.Add(time.Hour), []metadata.NodeID{1, 2, 3}) }, time.Hour + 2*time.Second},
		"one goes, and comes back": {3, func(h *hearing) {
			h.sessions(began.Add(time.Second), []metadata.NodeID{1, 3})
			h.sessions(began.Add(time.Minute), []metadata.NodeID{1, 2, 3})
		}, time.Minute + 2*time.Second},
		"two of three end":                {3, func(h *hearing) { h.sessions(began, []metadata.NodeID{1}) }, never},
		"who has no session is not noted": {3, func(h *hearing) { h.heard(began.Add(time.Minute), 7); h.lost(8) }, 2 * time.Second},
		"what it hears of itself is nothing": {3, func(h *hearing) {
			h.heard(began.Add(time.Minute), 1)
			h.heard(began.Add(time.Second), 2)
		}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var ids []metadata.NodeID
			for id := range c.brokers {
				ids = append(ids, metadata.NodeID(id+1))
			}
			h := &hearing{silence: 2 * time.Second}
			h.heard(began, 2) // nobody has a session yet
			h.sessions(began.Add(-time.Hour), ids)
			h.lost(2) // before it leads: nothing to it
			h.begin(began)
			if c.happens != nil {
				c.happens(h)
			}
			at, ok := h.deafAt(1, 18*time.Second)
			if got := at.Sub(began); ok != (c.want != never) || ok && got != c.want {
				t.Errorf("deaf after %v (%v), want %v", got, ok, c.want)
			}
		})
	}
}
