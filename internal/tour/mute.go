package tour

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/wiretap"
)

// mute lets nothing that the actor asks the coordinator from now on arrive there, until unmute. What it asks on other
// connections goes on, such as fetches: a broker is muted as a coordinator only.
func (a *actor) mute() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.muted = true
}

// unmute ends mute. The connections on which requests were lost are cut, as when a broker comes back.
func (a *actor) unmute() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.muted = false
	for c := range a.conns {
		if c.Silent() {
			_ = c.Close()
		}
	}
}

// sendOn notes a request before it is written, and whether its connection stays silent from here on.
func (a *actor) sendOn(c *wiretap.Mutable, key protocol.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[key]++
	if a.muted && wiretap.ForCoordinator[key] {
		c.Silence()
	}
}
