package peer

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/server/memnet"
)

const nodeAddress = "127.0.0.1:9093"

// stand is a Peer and a node that a test plays, on a network in memory.
type stand struct {
	t       *testing.T
	network *memnet.Network
	node    *peertest.Node // nil while nothing listens
	peer    *Peer
	log     *lines

	mu     sync.Mutex
	dialed []time.Time
	gate   chan struct{} // if set, no connection is made until it is closed
	writes int
	downs  []error
}

// inBubble runs f in a synctest bubble, with a node that handle answers for. A goroutine that is left fails the test.
func inBubble(t *testing.T, c Config, handle func(*peertest.Request), f func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t, network: &memnet.Network{}, log: &lines{}}
		c.Node, c.ClientID, c.SoftwareVersion = "node 2", "skein-1", "v1.2+dirty"
		c.Dial, c.OnDown = s.dial, func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.downs = append(s.downs, err)
		}
		c.Logger = slog.New(slog.NewTextHandler(s.log, nil))
		s.peer = New(func() (string, bool) { return nodeAddress, true }, c)
		s.listen(handle)
		f(s)
		if err := s.peer.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		s.hangUp()
	})
}

// listen puts the node where the Peer looks for it.
func (s *stand) listen(handle func(*peertest.Request)) {
	s.t.Helper()
	listener, err := s.network.Listen("tcp", nodeAddress)
	if err != nil {
		s.t.Fatal(err)
	}
	s.node = peertest.Serve(listener, handle)
}

// hangUp ends the node.
func (s *stand) hangUp() {
	if s.node != nil {
		s.node.Close()
		s.node = nil
	}
}

func (s *stand) dial(ctx context.Context, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialed = append(s.dialed, time.Now())
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	conn, err := s.network.DialContext(ctx, "tcp", address)
	return counting{conn, s}, err
}

// counting counts writes.
type counting struct {
	net.Conn
	stand *stand
}

func (c counting) Write(b []byte) (int, error) {
	c.stand.mu.Lock()
	c.stand.writes++
	c.stand.mu.Unlock()
	return c.Conn.Write(b)
}

func (s *stand) dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dialed)
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// echo answers every SaslAuthenticate with its own bytes: the one request that carries bytes both ways.
func echo(r *peertest.Request) { r.Reply(echoed(r)) }

func echoed(r *peertest.Request) protocol.Message {
	response := protocol.NewSaslAuthenticateResponse()
	response.AuthBytes = r.Message.(*protocol.SaslAuthenticateRequest).AuthBytes
	return response
}

func saying(text string) protocol.Message {
	request := protocol.NewSaslAuthenticateRequest()
	request.AuthBytes = []byte(text)
	return request
}

func said(response protocol.Message) string {
	return string(response.(*protocol.SaslAuthenticateResponse).AuthBytes)
}

// outcome is what became of a request.
type outcome struct {
	text    string // a copy of the answer's bytes
	version int16
	err     error
	after   time.Duration // since it was asked
	done    bool
}

// ask asks and returns the outcome, which is set when done has been called.
func (s *stand) ask(text string) *outcome { return s.askAs(saying(text), highest) }

func (s *stand) askAs(request protocol.Message, version int16) *outcome {
	o, begun := &outcome{}, time.Now()
	done := func(response protocol.Message, version int16, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.done {
			s.t.Errorf("done was called twice: %v, then %v", o.err, err)
		}
		*o = outcome{version: version, err: err, after: time.Since(begun), done: true}
		if r, ok := response.(*protocol.SaslAuthenticateResponse); ok {
			o.text = said(r)
		}
	}
	if version == highest {
		s.peer.Ask(request, done)
	} else {
		s.peer.AskVersion(request, version, done)
	}
	return o
}

// settled waits until nothing moves and returns what became of a request.
func (s *stand) settled(o *outcome) outcome {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return *o
}

// answered fails the test unless the request has this answer now.
func (s *stand) answered(o *outcome, text string) {
	s.t.Helper()
	if got := s.settled(o); !got.done || got.err != nil || got.text != text {
		s.t.Errorf("want the answer %q, have %+v", text, got)
	}
}

// failed fails the test unless the request has failed with this code, words in the reason, and this to say about whether it
// was sent.
func (s *stand) failed(o *outcome, code protocol.Code, sent bool, words ...string) {
	s.t.Helper()
	got := s.settled(o)
	if !got.done || protocol.CodeOf(got.err) != code {
		s.t.Errorf("want %v, have %+v", code, got)
		return
	}
	checkFailure(s.t, got.err, sent, words...)
}
