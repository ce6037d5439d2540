package server

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// toldHandler keeps the client ids of the connections that it was told of.
type toldHandler struct {
	*fakeHandler
	mu    sync.Mutex
	ended []string
}

func (h *toldHandler) Ended(client *api.Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, client.ID)
}

func (h *toldHandler) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.ended)
	return h.ended
}

// TestTheHandlerIsToldOfEnds: once for a connection, when the peer ends it or the server does, with the client of its latest
// request.
func TestTheHandlerIsToldOfEnds(t *testing.T) {
	handler := &toldHandler{}
	inBubble(t, roomy(), func(s *stand) {
		handler.fakeHandler = s.handler
		s.server.handler = handler
		theirs, ours := s.dial(), s.dial()
		for id, name := range []string{"first", "theirs"} {
			theirs.write(frame(protocol.KeyHeartbeat, testVersion, int32(id), name, protocol.NewHeartbeatRequest()))
		}
		ours.write(frame(protocol.KeyHeartbeat, testVersion, 1, "ours", protocol.NewHeartbeatRequest()))
		if n := s.handler.startedNow(); n != 3 {
			t.Fatalf("%d requests have started", n)
		}
		if told := handler.told(); len(told) != 0 {
			t.Errorf("told of %q, and no connection has ended", told)
		}
		_ = theirs.Close()
		synctest.Wait()
		if told := handler.told(); !slices.Equal(told, []string{"theirs"}) {
			t.Errorf("told of %q when a peer has ended its connection", told)
		}
		s.handler.finishAll()
	})
	if told := handler.told(); !slices.Equal(told, []string{"ours", "theirs"}) {
		t.Errorf("told of %q when Close has returned", told)
	}
}

// TestCloseWhileAClientNamesItself: its first requests arrive while the server closes. What this looks for is the race
// detector's to find.
func TestCloseWhileAClientNamesItself(t *testing.T) {
	for range 200 {
		inBubble(t, roomy(), func(s *stand) {
			s.server.handler = &toldHandler{fakeHandler: s.handler}
			p := s.dial()
			var frames []byte
			for id := range 20 {
				frames = append(frames, frame(protocol.KeyHeartbeat, testVersion, int32(id), strconv.Itoa(id), protocol.NewHeartbeatRequest())...)
			}
			var writing sync.WaitGroup
			writing.Go(func() { _, _ = p.Write(frames) })
			if err := s.server.Close(context.Background()); err != nil {
				t.Error(err)
			}
			writing.Wait()
		})
	}
}
