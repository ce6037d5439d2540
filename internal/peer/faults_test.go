package peer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
)

// The other end says nothing any more, and no reset comes: half-open TCP.
func TestSilence(t *testing.T) {
	silent := true
	inBubble(t, Config{RequestTimeout: 2 * time.Second}, func(r *peertest.Request) {
		if !silent {
			echo(r)
		}
	}, func(s *stand) {
		first := s.ask("first")
		time.Sleep(500 * time.Millisecond)
		second := s.ask("second")
		time.Sleep(1500 * time.Millisecond)
		s.failed(first, protocol.RequestTimedOut, true, "node 2", "within 2s")
		s.failed(second, protocol.NetworkException, true, "node 2", "silent")
		if s.settled(first).after != 2*time.Second || s.node.Open() != 0 || len(s.downs) != 1 {
			t.Errorf("after %v; %d connections are open; down: %v", s.settled(first).after, s.node.Open(), s.downs)
		}
		silent = false
		o := s.ask("again")
		time.Sleep(time.Second)
		s.answered(o, "again")
	})
}

func TestSilenceInTheGreeting(t *testing.T) {
	inBubble(t, Config{RequestTimeout: 5 * time.Second, ConnectTimeout: 2 * time.Second}, nil, func(s *stand) {
		s.hangUp()
		listener, err := s.network.Listen("tcp", nodeAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		o := s.ask("x")
		time.Sleep(2 * time.Second)
		s.failed(o, protocol.NetworkException, false, "node 2")
		if got := s.settled(o).after; got != 2*time.Second {
			t.Errorf("it took %v", got)
		}
	})
}

// A request that is never sent fails in time too.
func TestTimeoutInTheQueue(t *testing.T) {
	inBubble(t, Config{RequestTimeout: time.Second, InFlightMax: 1, ConnectTimeout: time.Minute}, nil, func(s *stand) {
		s.hangUp()
		listener, err := s.network.Listen("tcp", nodeAddress) // which takes the connection and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		o := s.ask("x")
		time.Sleep(500 * time.Millisecond)
		later := s.ask("y")
		time.Sleep(500 * time.Millisecond)
		s.failed(o, protocol.RequestTimedOut, false, "node 2", "within 1s")
		if s.settled(later).done {
			t.Error("the later one failed too early")
		}
		time.Sleep(500 * time.Millisecond)
		s.failed(later, protocol.RequestTimedOut, false)
	})
}

// The other end does not read: what is stuck in the socket fails in time, and what never got there is known not to be sent.
func TestNobodyReads(t *testing.T) {
	inBubble(t, Config{RequestTimeout: 3 * time.Second}, nil, func(s *stand) {
		s.hangUp()
		listener, err := s.network.Listen("tcp", nodeAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		var accepted []net.Conn
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				accepted = append(accepted, conn)
				_, _ = conn.Write(peertest.Response(1, offersAll(), 3))
			}
		}()
		large := s.ask(strings.Repeat("x", 1<<20))
		synctest.Wait()
		small := s.ask("small")
		time.Sleep(3 * time.Second)
		s.failed(large, protocol.RequestTimedOut, false, "node 2") // its end is still here
		s.failed(small, protocol.RequestTimedOut, false, "node 2")
		_ = s.peer.Close()
		for _, c := range accepted {
			_ = c.Close()
		}
	})
}

func offersAll() *protocol.ApiVersionsResponse {
	response := protocol.NewApiVersionsResponse()
	response.ApiKeys = []protocol.ApiVersionsResponseApiVersion{{ApiKey: int16(protocol.KeySaslAuthenticate), MinVersion: 0, MaxVersion: 2}}
	return response
}

// What was sent on a connection that is cut has failed and may have been carried out; what was not goes out on the next one.
func TestCut(t *testing.T) {
	answers := true
	inBubble(t, Config{InFlightMax: 2}, func(r *peertest.Request) {
		if answers {
			echo(r)
		}
	}, func(s *stand) {
		s.answered(s.ask("warm"), "warm")
		answers = false
		sent, alsoSent, waits := s.ask("sent"), s.ask("also sent"), s.ask("waits")
		synctest.Wait()
		answers = true
		s.network.CutAll()
		s.failed(sent, protocol.NetworkException, true, "node 2", "may have carried it out")
		s.failed(alsoSent, protocol.NetworkException, true)
		s.answered(waits, "waits")
		if s.node.Opened() != 2 || len(s.downs) != 1 {
			t.Errorf("%d connections; down: %v", s.node.Opened(), s.downs)
		}
		if !strings.Contains(s.log.String(), "reset") {
			t.Errorf("the log does not say why:\n%s", s.log)
		}
	})
}

// Answers that belong to nothing, or cannot be read, end the connection with words that say so.
func TestAnswersThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*peertest.Request)
		words  []string
	}{
		"a later id": {func(r *peertest.Request) { r.ReplyAs(r.ID+1, echoed(r)) }, []string{"correlation id 3", "SaslAuthenticate", "2, was due"}},
		"another's body": {func(r *peertest.Request) { r.Reply(protocol.NewHeartbeatResponse()) },
			[]string{"cannot be read", "SaslAuthenticate"}},
		"too long":  {func(r *peertest.Request) { _, _ = r.Conn.Write([]byte{0x7f, 0xff, 0xff, 0xff}) }, []string{"2147483647 bytes"}},
		"negative":  {func(r *peertest.Request) { _, _ = r.Conn.Write([]byte{0xff, 0xff, 0xff, 0xff}) }, []string{"bytes was announced"}},
		"too short": {func(r *peertest.Request) { _, _ = r.Conn.Write([]byte{0, 0, 0, 3, 0, 0, 0}) }, []string{"3 bytes"}},
		"cut short": {func(r *peertest.Request) {
			b := peertest.Response(r.ID, echoed(r), r.Version)
			_, _ = r.Conn.Write(b[:len(b)-1])
			_ = r.Conn.Close()
		}, []string{"EOF"}},
		"bytes left over": {func(r *peertest.Request) {
			b := append(peertest.Response(r.ID, echoed(r), r.Version), 0)
			b[3]++
			_, _ = r.Conn.Write(b)
		}, []string{"1 bytes are left over"}},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := true
			inBubble(t, Config{}, func(r *peertest.Request) {
				if wrong {
					c.answer(r)
				} else {
					echo(r)
				}
			}, func(s *stand) {
				s.failed(s.ask("x"), protocol.NetworkException, true, append(c.words, "node 2")...)
				if len(s.downs) != 1 || s.node.Open() != 0 {
					t.Errorf("%d connections are open; down: %v", s.node.Open(), s.downs)
				}
				wrong = false
				o := s.ask("again")
				time.Sleep(time.Second)
				s.answered(o, "again")
			})
		})
	}
}

func TestAnswerThatNobodyAskedFor(t *testing.T) {
	inBubble(t, Config{}, func(r *peertest.Request) {
		echo(r)
		echo(r)
	}, func(s *stand) {
		s.answered(s.ask("x"), "x")
		if len(s.downs) != 1 || !strings.Contains(s.downs[0].Error(), "no request was open") {
			t.Errorf("down: %v", s.downs)
		}
	})
}

// A connection that idled for longer than IdleMax is not trusted with a request.
func TestIdle(t *testing.T) {
	inBubble(t, Config{IdleMax: time.Minute}, echo, func(s *stand) {
		for i, pause := range []time.Duration{0, 59 * time.Second, 59 * time.Second, 2 * time.Minute, time.Second} {
			time.Sleep(pause)
			s.answered(s.ask(fmt.Sprint(i)), fmt.Sprint(i))
		}
		if s.node.Opened() != 2 || s.node.Open() != 1 {
			t.Errorf("%d connections were made, %d are open", s.node.Opened(), s.node.Open())
		}
	})
}

// The buffer for answers grows with what comes, and goes when it is not needed any more.
func TestLargeAnswers(t *testing.T) {
	inBubble(t, Config{}, echo, func(s *stand) {
		for _, n := range []int{10, bufferBytesFirst - 10, bufferBytesFirst + 10, 5 << 20, 1, 3 << 20} {
			text := strings.Repeat("x", n)
			s.answered(s.ask(text), text)
		}
		if n := cap(s.peer.open.answers.buffer); n < 5<<20 {
			t.Errorf("the buffer has %d bytes after a large answer", n)
		}
		for range smallAnswersMax {
			s.answered(s.ask("x"), "x")
		}
		if n := cap(s.peer.open.answers.buffer); n > bufferBytesKept {
			t.Errorf("the buffer has %d bytes after many small answers", n)
		}
	})
}

// Whatever happens to the connection, each request ends once and in time, with its own answer if with any, and one that is
// said not to be sent was not seen.
func TestRandomFaults(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random, ofNode := rand.New(rand.NewPCG(seed, 5)), rand.New(rand.NewPCG(seed, 6))
			var mu sync.Mutex
			seen := map[string]int{}
			c := Config{RequestTimeout: 2 * time.Second, ConnectTimeout: time.Second, InFlightMax: 1 + random.IntN(10), QueueMax: 20}
			inBubble(t, c, nil, func(s *stand) {
				s.hangUp()
				handle := func(r *peertest.Request) {
					mu.Lock()
					defer mu.Unlock()
					seen[string(r.Message.(*protocol.SaslAuthenticateRequest).AuthBytes)]++
					switch ofNode.IntN(60) {
					case 0:
						_ = r.Conn.Close()
					case 1:
						r.ReplyAs(r.ID+1, echoed(r))
					case 2: // no answer
					case 3:
						b := peertest.Response(r.ID, echoed(r), r.Version)
						_, _ = r.Conn.Write(b[:ofNode.IntN(len(b))])
						_ = r.Conn.Close()
					default:
						echo(r)
					}
				}
				s.listen(handle)
				asked := map[string]*outcome{}
				for i := range 500 {
					text := fmt.Sprintf("%d %s", i, strings.Repeat("x", random.IntN(20_000)))
					asked[text] = s.ask(text)
					if random.IntN(3) == 0 {
						time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
					}
					switch random.IntN(100) {
					case 0:
						s.network.CutAll()
					case 1:
						s.hangUp()
						time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
						s.listen(handle)
					}
				}
				time.Sleep(3 * time.Second)
				_ = s.peer.Close()
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				answered := 0
				for text, o := range asked {
					switch got := s.settled(o); {
					case !got.done || got.after > c.RequestTimeout:
						t.Errorf("a request ended after %v: %v", got.after, got.done)
					case got.err == nil && (got.text != text || seen[text] != 1):
						t.Errorf("request %.10q was seen %d times and has the answer %.10q", text, seen[text], got.text)
					case got.err == nil:
						answered++
					default:
						checkSeen(t, got.err, seen[text])
					}
				}
				if answered < 50 {
					t.Errorf("only %d of 500 requests were answered", answered)
				}
			})
		})
	}
}

func checkSeen(t *testing.T, err error, seen int) {
	t.Helper()
	if seen > 1 {
		t.Errorf("a request was seen %d times: %v", seen, err)
	}
	if protocol.CodeOf(err) == protocol.UnknownServerError {
		t.Errorf("an error without a code: %v", err)
	}
	if seen == 1 {
		checkFailure(t, err, true)
	}
}

// On real sockets: many callers, the node gone and back in between, and nothing is left afterwards.
func TestLoopback(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	node := peertest.Serve(listener, echo)
	defer node.Close()
	p := New(func() (string, bool) { return listener.Addr().String(), true }, Config{ClientID: "skein-1"})
	defer p.Close()
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for k := range 200 {
				text := fmt.Sprintf("%d/%d %s", i, k, strings.Repeat("x", k*10))
				response, err := p.Call(t.Context(), saying(text))
				if k == 100 && i == 0 {
					node.CloseConns()
				}
				if protocol.CodeOf(err) == protocol.NetworkException {
					continue // the connection ended under it
				}
				if err != nil || said(response) != text {
					t.Errorf("call %d/%d: %v", i, k, err)
				}
			}
		})
	}
	callers.Wait()
	if _, err := p.Call(context.Background(), saying("last")); err != nil {
		t.Errorf("after all: %v", err)
	}
	if node.Opened() < 2 {
		t.Errorf("%d connections were made", node.Opened())
	}
}
