package peer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
)

func TestBackoff(t *testing.T) {
	for _, random := range []float64{0, 0.5, 0.999999} {
		c := Config{BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second, Random: func() float64 { return random }}
		for failures, want := range map[int]time.Duration{1: 100, 2: 200, 3: 400, 4: 800, 5: 1000, 6: 1000, 1000: 1000, 1 << 40: 1000} {
			want *= time.Millisecond
			got := c.backoff(failures)
			if exact := want/2 + time.Duration(random*float64(want/2)); got != exact || got > want || got < want/2 {
				t.Errorf("after %d failures, random number %v: %v, want %v", failures, random, got, exact)
			}
		}
	}
}

// Somebody who always asks again causes few attempts, and the connection is there soon after the node is.
func TestNobodyListens(t *testing.T) {
	inBubble(t, Config{BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second, Random: func() float64 { return 1 }}, echo, func(s *stand) {
		s.hangUp()
		begun := time.Now()
		for time.Since(begun) < 10*time.Second {
			o := s.ask("x")
			for !s.settled(o).done {
				time.Sleep(10 * time.Millisecond) // virtual
			}
			s.failed(o, protocol.NetworkException, false, "node 2", "refused")
		}
		var pauses []time.Duration
		for i := 1; i < len(s.dialed); i++ {
			pauses = append(pauses, s.dialed[i].Sub(s.dialed[i-1]))
		}
		want := []time.Duration{100, 200, 400, 800, 1000, 1000}
		for i, w := range want {
			if w *= time.Millisecond; pauses[i] < w || pauses[i] > w+20*time.Millisecond {
				t.Errorf("pause %d was %v, want %v", i, pauses[i], w)
			}
		}
		if strings.Count(s.log.String(), "cannot connect") > 5 {
			t.Errorf("%d attempts fill the log:\n%s", len(s.dialed), s.log)
		}
		s.listen(echo)
		o := s.ask("back")
		time.Sleep(time.Second)
		s.answered(o, "back")
		if len(s.downs) > 0 {
			t.Errorf("down, though it never was up: %v", s.downs)
		}
	})
}

func TestNoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		address, known := "", false
		p := New(func() (string, bool) { return address, known }, Config{Node: "node 7"})
		var got error
		p.Ask(saying("x"), func(_ protocol.Message, _ int16, err error) { got = err })
		synctest.Wait()
		if protocol.CodeOf(got) != protocol.BrokerNotAvailable {
			t.Errorf("got %v", got)
		}
		checkFailure(t, got, false, "node 7", "no address")
		_ = p.Close()
	})
}

// The other node may have moved: the address is asked for again.
func TestAddressChanges(t *testing.T) {
	inBubble(t, Config{}, echo, func(s *stand) {
		moved := "127.0.0.1:9999"
		address := nodeAddress
		s.peer.address = func() (string, bool) { return address, true }
		s.answered(s.ask("here"), "here")
		s.hangUp()
		synctest.Wait()
		listener, err := s.network.Listen("tcp", moved)
		if err != nil {
			t.Fatal(err)
		}
		s.node = peertest.Serve(listener, echo)
		address = moved
		s.answered(s.ask("there"), "there")
	})
}

// A node that takes connections and ends each is asked less and less, whether it says who it is or not.
func TestConnectionsThatBringNothing(t *testing.T) {
	for name, greets := range map[string]bool{"before the greeting": false, "after the greeting": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, nil, func(s *stand) {
				s.hangUp()
				listener, err := s.network.Listen("tcp", nodeAddress)
				if err != nil {
					t.Fatal(err)
				}
				if greets {
					s.node = peertest.Serve(listener, func(r *peertest.Request) { _ = r.Conn.Close() })
				} else {
					go func() {
						for {
							conn, err := listener.Accept()
							if err != nil {
								return
							}
							_ = conn.Close()
						}
					}()
				}
				for begun := time.Now(); time.Since(begun) < 10*time.Second; {
					o := s.ask("x")
					for !s.settled(o).done {
						time.Sleep(10 * time.Millisecond)
					}
					s.failed(o, protocol.NetworkException, greets)
				}
				if n := s.dials(); n < 5 || n > 30 {
					t.Errorf("%d attempts in 10 s", n)
				}
				_ = listener.Close()
			})
		})
	}
}

func TestGreetingThatIsRefused(t *testing.T) {
	inBubble(t, Config{}, nil, func(s *stand) {
		s.hangUp()
		listener, err := s.network.Listen("tcp", nodeAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		refusal := protocol.NewApiVersionsResponse()
		refusal.ErrorCode = protocol.UnsupportedVersion
		for answer, words := range map[string]string{
			string(peertest.Response(1, refusal, 0)):                                  "ApiVersions",
			string(peertest.Response(7, protocol.NewApiVersionsResponse(), 3)):        "correlation id 7",
			"HTTP/1.1 400 Bad Request\r\n":                                            "HTTP",
			string(peertest.Response(1, refusal, 3)):                                  "UNSUPPORTED_VERSION",
			string(peertest.Response(1, protocol.NewApiVersionsResponse(), 3))[:1+10]: "EOF",
		} {
			o := s.ask("x")
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write([]byte(answer))
			synctest.Wait()
			_ = conn.Close()
			s.failed(o, protocol.NetworkException, false, "node 2", words)
		}
	})
}
