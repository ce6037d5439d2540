package server

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// slowHandler looks at nothing but ApiVersions before it is ready.
type slowHandler struct {
	*fakeHandler
	ready chan struct{}
}

func (h slowHandler) Ready(_ *api.Client, key protocol.Key) <-chan struct{} {
	if key == protocol.KeyApiVersions {
		return nil
	}
	return h.ready
}

// TestClientsWaitUntilTheHandlerIsReady: their requests are done then, in order, and no connection ends.
func TestClientsWaitUntilTheHandlerIsReady(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		ready := make(chan struct{})
		s.server.handler = slowHandler{s.handler, ready}
		p := s.dial()
		p.send(protocol.KeyApiVersions)
		p.send(protocol.KeyMetadata)
		p.send(protocol.KeyHeartbeat)
		if n := s.handler.startedNow(); n != 1 {
			t.Fatalf("%d requests have started", n)
		}
		reply(s.handler.calls[0])
		p.expect(1)
		time.Sleep(time.Minute)
		p.expectNothing()
		close(ready)
		if n := s.handler.startedNow(); n != 3 {
			t.Fatalf("%d requests have started", n)
		}
		reply(s.handler.calls[1])
		reply(s.handler.calls[2])
		p.expect(2, 3)
	})
}

// TestCloseBeforeTheHandlerIsReady takes no time.
func TestCloseBeforeTheHandlerIsReady(t *testing.T) {
	took := time.Hour
	inBubble(t, roomy(), func(s *stand) {
		s.server.handler = slowHandler{s.handler, make(chan struct{})}
		p := s.dial()
		p.send(protocol.KeyMetadata)
		if n := s.handler.startedNow(); n != 0 {
			t.Fatalf("%d requests have started", n)
		}
		begun := time.Now()
		go func() {
			p.expectEnd()
			took = time.Since(begun)
		}()
	})
	if took > time.Second {
		t.Errorf("the connection ended %v after Close", took)
	}
}
