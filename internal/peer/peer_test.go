package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
)

func checkFailure(t *testing.T, err error, sent bool, words ...string) {
	t.Helper()
	if errors.Is(err, ErrNotSent) == sent {
		t.Errorf("sent is %v, and the error says otherwise: %v", sent, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error has no %q: %v", word, err)
		}
	}
}

func TestManyRequestsOneConnection(t *testing.T) {
	var held []*peertest.Request
	inBubble(t, Config{}, func(r *peertest.Request) {
		if r.ClientID != "skein-1" || r.Conn.Software != "skein-node" {
			t.Errorf("a request came from %q, which runs %q", r.ClientID, r.Conn.Software)
		}
		if held = append(held, r); len(held) == 50 {
			for _, r := range held {
				echo(r)
			}
		}
	}, func(s *stand) {
		s.gate = make(chan struct{})
		var asked []*outcome
		for i := range 50 {
			asked = append(asked, s.ask(fmt.Sprint(i)))
		}
		synctest.Wait()
		close(s.gate)
		for i, o := range asked {
			s.answered(o, fmt.Sprint(i))
		}
		if s.node.Opened() != 1 {
			t.Errorf("%d connections were made", s.node.Opened())
		}
		if s.writes != 2 {
			t.Errorf("%d writes for the greeting and 50 small requests that waited for it", s.writes)
		}
		if len(s.downs) > 0 {
			t.Errorf("down: %v", s.downs)
		}
	})
}

func TestVersions(t *testing.T) {
	inBubble(t, Config{}, func(r *peertest.Request) {
		switch r.Message.(type) {
		case *protocol.SaslAuthenticateRequest:
			echo(r)
		default:
			r.Reply(protocol.NewResponse(r.Message.Key()))
		}
	}, func(s *stand) {
		s.node.Offers = func(key protocol.Key) (int16, int16) {
			switch key {
			case protocol.KeySaslAuthenticate:
				return 0, 1
			case protocol.KeyAlterPartition:
				return 9, 12
			case protocol.KeyHeartbeat:
				return 0, -1
			case protocol.KeyListGroups:
				return 2, 100
			}
			return protocol.Versions(key)
		}
		if got := s.settled(s.ask("x")); got.version != 1 || got.text != "x" {
			t.Errorf("the highest that both know: %+v", got)
		}
		if got := s.settled(s.askAs(saying("y"), 0)); got.err != nil || got.text != "y" || got.version != 0 {
			t.Errorf("a version that was asked for: %+v", got)
		}
		if got := s.settled(s.askAs(protocol.NewListGroupsRequest(), highest)); got.err != nil || got.version != 5 {
			t.Errorf("the node is newer: %+v", got)
		}
		if got := s.settled(s.askAs(protocol.NewDescribeClientErrorsRequest(), highest)); got.err != nil {
			t.Errorf("a private API: %+v", got)
		}
		s.failed(s.askAs(saying("z"), 2), protocol.UnsupportedVersion, false, "node 2", "SaslAuthenticate", "0 to 1", "not in 2")
		s.failed(s.askAs(protocol.NewListGroupsRequest(), 50), protocol.UnsupportedVersion, false, "node 2", "ListGroups", "not in 50")
		s.failed(s.askAs(protocol.NewAlterPartitionRequest(), highest), protocol.UnsupportedVersion, false, "node 2", "AlterPartition", "9 to 12", "2 to 3")
		s.failed(s.askAs(protocol.NewHeartbeatRequest(), highest), protocol.UnsupportedVersion, false, "node 2", "Heartbeat (12)")
		s.answered(s.ask("the connection goes on"), "the connection goes on")
		if s.node.Opened() != 1 {
			t.Errorf("%d connections were made", s.node.Opened())
		}
	})
}

// What comes in Ask's response is overwritten by the next one; what comes from AskOwn and Call is not.
func TestOwnership(t *testing.T) {
	inBubble(t, Config{}, echo, func(s *stand) {
		var aliased, own []byte
		s.peer.Ask(saying("first"), func(r protocol.Message, _ int16, _ error) {
			aliased = r.(*protocol.SaslAuthenticateResponse).AuthBytes
		})
		synctest.Wait()
		s.peer.AskOwn(saying("own"), 2, func(r protocol.Message, _ int16, _ error) {
			own = r.(*protocol.SaslAuthenticateResponse).AuthBytes
		})
		synctest.Wait()
		called, err := s.peer.Call(context.Background(), saying("called"))
		if err != nil {
			t.Fatal(err)
		}
		s.answered(s.ask("xxxxxxxxxxxxxxxxxx"), "xxxxxxxxxxxxxxxxxx")
		if string(aliased) == "first" {
			t.Error("the buffer was not used again")
		}
		if string(own) != "own" || said(called) != "called" {
			t.Errorf("own answers were overwritten: %q, %q", own, said(called))
		}
	})
}

func TestCallEndsWithItsContext(t *testing.T) {
	inBubble(t, Config{}, nil, func(s *stand) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := s.peer.Call(ctx, saying("x"))
		if protocol.CodeOf(err) != protocol.RequestTimedOut || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestBounds(t *testing.T) {
	var held []*peertest.Request
	inBubble(t, Config{InFlightMax: 3, QueueMax: 5, FrameBytesMax: 1000}, func(r *peertest.Request) { held = append(held, r) }, func(s *stand) {
		first := s.ask("0")
		synctest.Wait()
		var asked []*outcome
		for i := 1; i <= 7; i++ { // two more go out, five wait
			asked = append(asked, s.ask(fmt.Sprint(i)))
			synctest.Wait()
		}
		s.failed(s.ask("one too many"), protocol.ThrottlingQuotaExceeded, false, "node 2", "5 requests wait")
		if !protocol.ThrottlingQuotaExceeded.Retriable() {
			t.Error("a refusal is not retriable")
		}
		if len(held) != 3 {
			t.Fatalf("%d requests are in flight", len(held))
		}
		echo(held[0])
		s.answered(first, "0")
		if len(held) != 4 {
			t.Errorf("an answer makes room for one more; now %d have come", len(held))
		}
		for i := 1; i < 8; i++ {
			echo(held[i])
			s.answered(asked[i-1], fmt.Sprint(i))
		}
		small, large, last := s.ask("small"), s.ask(strings.Repeat("x", 1000)), s.ask("last")
		s.failed(large, protocol.MessageTooLarge, false, "node 2", "more than 1000")
		echo(held[8])
		echo(held[9])
		s.answered(small, "small")
		s.answered(last, "last")
	})
}

// A Peer that is retired brings the answers that are due, and nothing else.
func TestRetire(t *testing.T) {
	var held []*peertest.Request
	inBubble(t, Config{InFlightMax: 1}, func(r *peertest.Request) { held = append(held, r) }, func(s *stand) {
		sent, queued := s.ask("sent"), s.ask("queued")
		synctest.Wait()
		s.peer.Retire()
		s.failed(queued, protocol.NetworkException, false, "node 2", "another node")
		s.failed(s.ask("after"), protocol.NetworkException, false, "another node")
		echo(held[0])
		s.answered(sent, "sent")
	})
	t.Run("nobody listens", func(t *testing.T) {
		inBubble(t, Config{}, nil, func(s *stand) {
			s.hangUp()
			s.failed(s.ask("x"), protocol.NetworkException, false, "refused")
			o := s.ask("waits for the pause to end")
			s.peer.Retire()
			s.failed(o, protocol.NetworkException, false, "another node")
		})
	})
}

func TestCloseFailsWhatWaits(t *testing.T) {
	t.Run("sent and queued", func(t *testing.T) {
		inBubble(t, Config{InFlightMax: 1}, nil, func(s *stand) {
			sent, queued := s.ask("sent"), s.ask("queued")
			synctest.Wait()
			_ = s.peer.Close()
			s.failed(sent, protocol.NetworkException, true, "node 2", "closed")
			s.failed(queued, protocol.NetworkException, false, "node 2", "closed")
			s.failed(s.ask("after"), protocol.NetworkException, false, "closed")
			if len(s.downs) > 0 {
				t.Errorf("down: %v", s.downs)
			}
		})
	})
	t.Run("never used", func(t *testing.T) {
		inBubble(t, Config{}, nil, func(s *stand) {
			_ = s.peer.Close()
			if s.dials() != 0 {
				t.Error("it connected")
			}
		})
	})
	t.Run("in the greeting", func(t *testing.T) {
		inBubble(t, Config{}, nil, func(s *stand) {
			s.hangUp()
			listener, err := s.network.Listen("tcp", nodeAddress)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			o := s.ask("x")
			synctest.Wait()
			begun := time.Now()
			_ = s.peer.Close()
			s.failed(o, protocol.NetworkException, false, "closed")
			if time.Since(begun) != 0 {
				t.Errorf("Close took %v", time.Since(begun))
			}
		})
	})
	t.Run("in the pause", func(t *testing.T) {
		inBubble(t, Config{}, nil, func(s *stand) {
			s.hangUp()
			s.failed(s.ask("x"), protocol.NetworkException, false, "refused")
			o := s.ask("y")
			synctest.Wait()
			_ = s.peer.Close()
			s.failed(o, protocol.NetworkException, false, "closed")
		})
	})
}
