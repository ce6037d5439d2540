package server

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// TestLastUsedIsMonotonic: a wall clock that is set must neither end connections nor prolong what waits.
func TestLastUsedIsMonotonic(t *testing.T) {
	c := newConn(&Server{began: time.Now()}, nil, netip.AddrPort{}, "")
	c.touch()
	if used := c.lastUsed(); !strings.Contains(used.String(), "m=") {
		t.Errorf("the connection was used at %v, which is a time of the wall clock alone", used)
	}
}

// topicsRequest is a Metadata frame of n topics, which takes far more memory decoded than it has bytes.
func topicsRequest(id int32, n int) []byte {
	request := protocol.NewMetadataRequest()
	name := "a-topic-of-16-ch"
	request.Topics = make([]protocol.MetadataRequestTopic, n)
	for i := range request.Topics {
		request.Topics[i].Name = &name
	}
	return frame(protocol.KeyMetadata, testVersion, id, "tester", request)
}

// TestWhatIsDecodedCounts sends requests whose messages are much larger than their frames: the budget of all connections
// holds the messages too, and gives them back when they are answered.
func TestWhatIsDecodedCounts(t *testing.T) {
	limits := roomy()
	limits.QueuedBytesMax = 1 << 20
	inBubble(t, limits, func(s *stand) {
		first, second := s.dial(), s.dial()
		first.send(protocol.KeyMetadata)
		second.send(protocol.KeyMetadata)
		s.handler.startedNow()
		reply(s.handler.calls[0])
		reply(s.handler.calls[1])
		first.expect(1)
		second.expect(1)

		go first.write(topicsRequest(2, 40_000))
		if n := s.handler.startedNow(); n != 3 {
			t.Fatalf("%d requests have started, want 3", n)
		}
		if held, frame := s.server.BytesInFlight(), int64(18*40_000); held < 3*frame {
			t.Errorf("%d bytes count for a request of %d bytes whose message has 40,000 topics", held, frame)
		}
		go second.write(topicsRequest(2, 1000))
		if n := s.handler.startedNow(); n != 3 {
			t.Errorf("%d requests have started although the budget is used up", n)
		}
		reply(s.handler.calls[2])
		first.expect(2)
		if n := s.handler.startedNow(); n != 4 {
			t.Fatalf("%d requests have started, want 4", n)
		}
		s.handler.calls[3].Close("test") // an end without an answer gives it back too
	})
}

// TestConnectionsHoldNoFrame sends a large request on each of thirty connections, half of which are answered and half of
// which have given their frame back and wait: none of them holds the memory.
func TestConnectionsHoldNoFrame(t *testing.T) {
	limits := roomy()
	limits.BuffersKept = 0
	inBubble(t, limits, func(s *stand) {
		heap := func() int64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		s.handler.on(func(call *api.Call) {
			if call.Key == protocol.KeyHeartbeat {
				reply(call)
				return
			}
			call.ReleaseFrame()
			if call.Client.Address.Port()%2 == 0 {
				reply(call)
			}
		})
		before := heap()
		for i := range 30 {
			p := s.dial()
			p.send(protocol.KeyHeartbeat)
			p.expect(1)
			p.write(produce(2, 2<<20+i))
			synctest.Wait()
		}
		if grown := heap() - before; grown > 8<<20 {
			t.Errorf("30 connections hold %d MiB", grown>>20)
		}
	})
}

// TestClosedByARequestWithMoreBehindIt: a Produce with acks=0 that fails closes the connection, also when the next request
// has been read ahead already.
func TestClosedByARequestWithMoreBehindIt(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		s.handler.on(func(call *api.Call) {
			if call.Key == protocol.KeyProduce {
				call.Close("test")
				return
			}
			reply(call)
		})
		p := s.dial()
		p.send(protocol.KeyHeartbeat)
		p.expect(1)
		p.write(append(produce(2, 10), frame(protocol.KeyMetadata, testVersion, 3, "tester", protocol.NewMetadataRequest())...))
		_ = p.SetReadDeadline(time.Now().Add(time.Hour)) // virtual
		p.expectEnd()
	})
}
