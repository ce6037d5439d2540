package controllerlink

import (
	"context"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Offline tells the controller, at once and with each heartbeat from now on, that log directories of this broker are offline
// (KIP-858). When they are all that it has, it is fenced. It does not wait.
func (l *Link) Offline(directories ...protocol.UUID) {
	s := &l.session
	s.mu.Lock()
	s.offline = directories
	s.mu.Unlock()
	s.press()
}

// Left says whether the broker may go, as Leave found it.
func (l *Link) Left() bool { return l.session.hasLeft() }

// Leave hands away what this broker leads: it asks the controller for a shutdown, and returns nil when that says that the
// broker leads nothing any more and is fenced; no heartbeat follows. A broker that is not registered may go at once. When
// ctx ends first the error is REQUEST_TIMED_OUT, and the broker goes on leaving. Leave may be called more than once.
func (l *Link) Leave(ctx context.Context) error {
	s := &l.session
	s.mu.Lock()
	s.leaving, s.pressed = true, true
	known := s.state.Epoch != metadata.NoBrokerEpoch || s.asked
	s.mu.Unlock()
	s.worker.look()
	if !known {
		return nil
	}
	select {
	case <-s.left:
		return nil
	case <-ctx.Done():
		return protocol.Fail(protocol.RequestTimedOut, "the controller has not taken over all that broker %d leads: %w", l.config.NodeID, context.Cause(ctx))
	case <-l.quit:
		return errClosing
	}
}
