package server

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// TestTraffic: requests are counted by the stage in which they are, and the oldest of an API tells how long it waits.
func TestTraffic(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p, idle := s.dial(), s.dial()
		defer idle.Close()
		p.send(protocol.KeyHeartbeat)
		time.Sleep(2 * time.Second)
		p.send(protocol.KeyHeartbeat)
		p.send(protocol.KeyMetadata) // a barrier
		p.write(frame(protocol.KeyDescribeNode, 0, 4, "tester", protocol.NewDescribeNodeRequest()))
		if n := s.handler.startedNow(); n != 2 {
			t.Errorf("%d requests have started", n)
		}
		reply(s.handler.calls[1])
		time.Sleep(time.Second)
		tr := s.server.Traffic()
		if got, want := tr.Requests[protocol.KeyHeartbeat], (api.UnderWay{Waiting: 1, Ended: 1, Oldest: 3 * time.Second}); got != want {
			t.Errorf("heartbeats: %+v, want %+v", got, want)
		}
		if got, want := tr.Requests[protocol.KeyMetadata], (api.UnderWay{Queued: 1, Oldest: time.Second}); got != want {
			t.Errorf("metadata: %+v, want %+v", got, want)
		}
		if _, there := tr.Requests[protocol.KeyDescribeNode]; there || len(tr.Requests) != 2 {
			t.Errorf("who looks is in the picture: %+v", tr.Requests)
		}
		if tr.Listeners["PLAINTEXT"] != 2 || tr.Accepted != 2 || tr.Total != 4 || tr.BytesInFlight == 0 || tr.BytesInFlightMax != roomy().QueuedBytesMax {
			t.Errorf("%+v", tr)
		}
		reply(s.handler.calls[0])
		p.expect(1, 2)
		if n := s.handler.startedNow(); n != 3 {
			t.Errorf("%d requests have started", n)
		}
		reply(s.handler.call(2))
		p.expect(3)
		if n := s.handler.startedNow(); n != 4 {
			t.Errorf("%d requests have started", n)
		}
		reply(s.handler.calls[3])
		p.expect(4)
		if tr := s.server.Traffic(); len(tr.Requests) != 0 {
			t.Errorf("at last %+v", tr.Requests)
		}
	})
}

// TestTrafficWithoutRoom: a connection that has no room for another request is counted.
func TestTrafficWithoutRoom(t *testing.T) {
	config := roomy()
	config.InflightMax = 2
	inBubble(t, config, func(s *stand) {
		p := s.dial()
		for range 3 {
			p.send(protocol.KeyHeartbeat)
		}
		if n := s.handler.startedNow(); n != 2 {
			t.Errorf("%d requests have started", n)
		}
		if tr := s.server.Traffic(); tr.Paused != 1 {
			t.Errorf("%d connections have no room", tr.Paused)
		}
		reply(s.handler.call(0))
		reply(s.handler.call(1))
		p.expect(1, 2)
		if n := s.handler.startedNow(); n != 3 {
			t.Errorf("%d requests have started", n)
		}
		if tr := s.server.Traffic(); tr.Paused != 0 {
			t.Errorf("%d connections have no room", tr.Paused)
		}
		reply(s.handler.call(2))
		p.expect(3)
	})
}
