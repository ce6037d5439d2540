package tour

import (
	"net"
	"sync/atomic"

	"github.com/skein-io/skein/internal/protocol"
)

// forCoordinator are the requests that a group's coordinator answers. Who it is, any broker says.
var forCoordinator = map[protocol.Key]bool{
	protocol.KeyJoinGroup: true, protocol.KeySyncGroup: true, protocol.KeyHeartbeat: true, protocol.KeyLeaveGroup: true,
	protocol.KeyOffsetCommit: true, protocol.KeyOffsetFetch: true,
}

// mutable is a connection that can lose what is written to it. Answers on a connection come in order, so from a request
// for a muted coordinator on nothing that is written to it arrives, and it is of no use any more.
type mutable struct {
	net.Conn
	silent atomic.Bool
}

func (c *mutable) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

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
		if c.silent.Load() {
			_ = c.Close()
		}
	}
}

// sendOn notes a request before it is written, and whether its connection stays silent from here on.
func (a *actor) sendOn(c *mutable, key protocol.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent[key]++
	if a.muted && forCoordinator[key] {
		c.silent.Store(true)
	}
}
