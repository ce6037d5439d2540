package server

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

func TestAnswersLeaveInRequestOrder(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		for range 4 {
			p.send(protocol.KeyHeartbeat)
		}
		if n := s.handler.startedNow(); n != 4 {
			t.Fatalf("%d of 4 overlapping requests have started", n)
		}
		calls := s.handler.calls
		reply(calls[2])
		reply(calls[1])
		p.expectNothing()
		reply(calls[0])
		p.expect(1, 2, 3)
		p.expectNothing()
		reply(calls[3])
		p.expect(4)
	})
}

func TestABarrierWaitsForAllBeforeIt(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		p.send(protocol.KeyHeartbeat) // 1
		p.send(protocol.KeyHeartbeat) // 2
		p.send(protocol.KeyMetadata)  // 3
		p.send(protocol.KeyHeartbeat) // 4
		if n := s.handler.startedNow(); n != 2 {
			t.Fatalf("%d have started in front of a barrier, want 2", n)
		}
		reply(s.handler.calls[1])
		if n := s.handler.startedNow(); n != 2 {
			t.Fatalf("%d have started with one in front of a barrier unanswered", n)
		}
		reply(s.handler.calls[0])
		p.expect(1, 2)
		// Behind a barrier that has started an overlapping request starts, and is answered after it.
		if n := s.handler.startedNow(); n != 4 {
			t.Fatalf("%d have started, want 4", n)
		}
		reply(s.handler.calls[3])
		p.expectNothing()
		reply(s.handler.calls[2])
		p.expect(3, 4)
	})
}

func TestAnswersGivenInStart(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		s.handler.on(reply)
		p := s.dial()
		for range 50 {
			p.send(protocol.KeyMetadata)
			p.send(protocol.KeyHeartbeat)
		}
		for id := int32(1); id <= 100; id++ {
			p.expect(id)
		}
	})
}

// A request that is held until a later one comes must not keep the later one from being read, whatever its stage.
func TestOnLater(t *testing.T) {
	for _, second := range []protocol.Key{protocol.KeyHeartbeat, protocol.KeyMetadata} {
		inBubble(t, roomy(), func(s *stand) {
			var fired int
			s.handler.on(func(call *api.Call) {
				if len(s.handler.calls) == 1 {
					call.OnLater(func() {
						fired++
						reply(call)
					})
				}
			})
			p := s.dial()
			p.send(protocol.KeyHeartbeat)
			synctest.Wait()
			if fired != 0 {
				t.Fatal("it was called before a later request")
			}
			p.send(second)
			p.expect(1)
			synctest.Wait()
			if fired != 1 {
				t.Fatalf("it was called %d times", fired)
			}
			reply(s.handler.calls[1])
			p.expect(2)
			// Asked for when a later request is there already, it is called at once.
			called := false
			third := p.send(protocol.KeyHeartbeat)
			fourth := p.send(protocol.KeyHeartbeat)
			synctest.Wait()
			s.handler.calls[2].OnLater(func() { called = true })
			if !called {
				t.Error("it was not called though a later request is there")
			}
			called = false
			s.handler.calls[3].OnLater(func() { called = true })
			synctest.Wait()
			if called {
				t.Error("it was called though no later request is there")
			}
			_ = p.Close()
			synctest.Wait()
			if !called {
				t.Error("it was not called at the end of the connection")
			}
			_, _ = third, fourth
		})
	}
}

func TestCloseEndsAfterTheEarlierAnswers(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		p.send(protocol.KeyHeartbeat) // 1
		p.send(protocol.KeyProduce)   // 2 is closed
		p.send(protocol.KeyHeartbeat) // 3 has started already
		p.send(protocol.KeyMetadata)  // 4 never starts
		synctest.Wait()
		calls := s.handler.calls
		calls[1].Close("the append failed with acks=0")
		reply(calls[2])
		p.expectNothing()
		reply(calls[0])
		p.expect(1)
		p.expectEnd()
		if n := s.handler.startedNow(); n != 3 {
			t.Errorf("%d have started", n)
		}
	})
}

func TestSilentRequestsAreSkipped(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		p.send(protocol.KeyProduce)
		p.send(protocol.KeyProduce)
		p.send(protocol.KeyMetadata)
		synctest.Wait()
		s.handler.calls[1].Silent()
		s.handler.calls[0].Silent()
		synctest.Wait()
		reply(s.handler.calls[2])
		p.expect(3)
	})
}

func TestAnUnknownVersionOfApiVersionsIsAnswered(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		// The body is of a version that nobody knows, so it is not read.
		b := []byte{0, 0, 0, 0, 0, 18, 0x7f, 0xff, 0, 0, 0, 7, 0xff, 0xff, 0, 1, 2, 3}
		b[3] = byte(len(b) - 4)
		p.write(b)
		id, body, err := p.read()
		if err != nil || id != 7 {
			t.Fatalf("answer %d, %v", id, err)
		}
		response := protocol.NewApiVersionsResponse()
		if err := response.Decode(protocol.NewReader(body, protocol.Limits{}), 0); err != nil {
			t.Fatal(err)
		}
		if response.ErrorCode != protocol.UnsupportedVersion || len(response.ApiKeys) != 1 || response.ApiKeys[0].MaxVersion != 4 {
			t.Errorf("answered %+v", response)
		}
		// The client tries again with a version that it was told.
		p.last = 7
		p.send(protocol.KeyApiVersions)
		synctest.Wait()
		reply(s.handler.calls[0])
		p.expect(8)
	})
}

func TestTheClientIsWhatItsRequestsSay(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		p.write(frame(protocol.KeyApiVersions, 3, 1, "one", &protocol.ApiVersionsRequest{ClientSoftwareName: "skein-go", ClientSoftwareVersion: "1.2"}))
		synctest.Wait()
		reply(s.handler.calls[0])
		p.write(frame(protocol.KeyHeartbeat, 3, 2, "two", protocol.NewHeartbeatRequest()))
		p.write([]byte{0, 0, 0, 20, 0, 12, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0, 1, 'g', 0, 0, 0, 1, 0, 1, 'm'})
		synctest.Wait()
		for i, want := range []string{"one", "two", ""} {
			call := s.handler.calls[i]
			if c := call.Client; c.ID != want || c.SoftwareName != "skein-go" || c.SoftwareVersion != "1.2" || c.Listener != "PLAINTEXT" ||
				c.Host() != "/127.0.0.1" || c.Principal != "User:ANONYMOUS" || call.Arrived != time.Now() {
				t.Errorf("call %d is of %+v", i, c)
			}
		}
	})
}

// A parked request, and one that waits behind it, do not hide that the peer has gone.
func TestAClosedPeerIsNoticedBehindABarrier(t *testing.T) {
	inBubble(t, roomy(), func(s *stand) {
		p := s.dial()
		p.send(protocol.KeyJoinGroup)
		p.send(protocol.KeyMetadata)
		if n := s.handler.startedNow(); n != 1 {
			t.Fatalf("%d have started, want 1", n)
		}
		gone := false
		s.handler.calls[0].OnLater(func() {}) // the second one has come: called at once
		_ = p.Close()
		synctest.Wait()
		if n := s.server.Counters.ConnectionsOpen.Load(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
		s.handler.calls[0].OnLater(func() { gone = true })
		if !gone {
			t.Error("nobody is told that the connection has ended")
		}
		reply(s.handler.calls[0]) // to nobody
		if n := s.handler.startedNow(); n != 1 {
			t.Errorf("%d have started after the end", n)
		}
	})
}
