package server

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/server/memnet"
)

// fakeHandler overlaps Heartbeat, OffsetCommit and Produce, keeps every call, and answers none by itself unless
// answer says so.
type fakeHandler struct {
	mu      sync.Mutex
	calls   []*api.Call
	started chan *api.Call
	start   func(call *api.Call) // in Start, if not nil; set by on
}

func newFakeHandler() *fakeHandler { return &fakeHandler{started: make(chan *api.Call, 1000)} }

func (h *fakeHandler) Row(_ *api.Client, key protocol.Key, version int16) (api.Stage, bool) {
	lowest, highest := protocol.Versions(key)
	if version < lowest || version > highest {
		return 0, false
	}
	switch key {
	case protocol.KeyHeartbeat, protocol.KeyOffsetCommit, protocol.KeyProduce:
		return api.Overlaps, true
	}
	return api.Barrier, true
}

func (h *fakeHandler) Start(call *api.Call) {
	h.mu.Lock()
	h.calls = append(h.calls, call)
	start := h.start
	h.mu.Unlock()
	if start != nil {
		start(call)
	}
	h.started <- call
}

// call is the call that started as the nth, from 0.
func (h *fakeHandler) call(n int) *api.Call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[n]
}

// on sets what happens in Start.
func (h *fakeHandler) on(start func(call *api.Call)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.start = start
}

func (h *fakeHandler) UnsupportedVersion() protocol.Message {
	response := protocol.NewApiVersionsResponse()
	response.ErrorCode = protocol.UnsupportedVersion
	response.ApiKeys = []protocol.ApiVersionsResponseApiVersion{{ApiKey: int16(protocol.KeyApiVersions), MaxVersion: 4}}
	return response
}

// startedNow is how many calls have started when nothing moves any more.
func (h *fakeHandler) startedNow() int {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls)
}

// logLines keeps what is logged.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// roomy has no limit that a test would meet by accident.
func roomy() Config {
	return Config{
		MaxConnections: 1000, MaxConnectionsPerIP: 1000, ConnectionsMaxIdle: 10 * time.Minute, HandshakeTimeout: 10 * time.Second,
		StallTimeout: 30 * time.Second, BytesPerSecondMin: 16384, FrameBytesMax: 100 << 20, FirstFrameBytesMax: 64 << 10,
		InflightMax: 100, InflightBytesMax: 32 << 20, QueuedBytesMax: 128 << 20, DrainTimeout: 5 * time.Second,
		BuffersKept: 1 << 20,
	}
}

// stand is a server on a network in memory.
type stand struct {
	t       *testing.T
	server  *Server
	handler *fakeHandler
	network *memnet.Network
	log     *logLines
	served  chan error
}

const standAddress = "127.0.0.1:9092"

// inBubble runs f with a server in a synctest bubble and closes it; a goroutine that is left fails the test.
func inBubble(t *testing.T, config Config, f func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t, handler: newFakeHandler(), network: &memnet.Network{}, log: &logLines{}, served: make(chan error, 1)}
		s.server = New(config, s.handler, slog.New(slog.NewTextHandler(s.log, nil)))
		listener, err := s.network.Listen("tcp", standAddress)
		if err != nil {
			t.Fatal(err)
		}
		go func() { s.served <- s.server.Serve(listener, "PLAINTEXT") }()
		f(s)
		s.close()
	})
}

func (s *stand) close() {
	s.t.Helper()
	if err := s.server.Close(context.Background()); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	if err := <-s.served; !errors.Is(err, ErrClosed) {
		s.t.Errorf("Serve: %v", err)
	}
	s.handler.finishAll()
	if n := s.server.BytesInFlight(); n != 0 {
		s.t.Errorf("%d bytes are in flight after the end", n)
	}
	if n := s.server.buffers.borrowed; n != 0 {
		s.t.Errorf("%d bytes are borrowed after the end", n)
	}
	if n := s.server.Counters.ConnectionsOpen.Load(); n != 0 {
		s.t.Errorf("%d connections are open after the end", n)
	}
}

// finishAll ends the calls that a test left open: their connection is gone.
func (h *fakeHandler) finishAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, call := range h.calls {
		func() {
			defer func() { _ = recover() }() // the call has its end already
			call.Silent()
		}()
	}
}

func (s *stand) dial() *peer {
	s.t.Helper()
	conn, err := s.network.DialContext(context.Background(), "tcp", standAddress)
	if err != nil {
		s.t.Fatal(err)
	}
	return &peer{t: s.t, Conn: conn}
}

// peer is a client that sends and reads frames.
type peer struct {
	t *testing.T
	net.Conn
	last int32 // correlation id
}

// port is this end's.
func (p *peer) port() uint16 { return netip.MustParseAddrPort(p.LocalAddr().String()).Port() }

// frame makes a request frame.
func frame(key protocol.Key, version int16, id int32, client string, message protocol.Message) []byte {
	header := protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: id, ClientID: &client}
	b := make([]byte, 4)
	b = protocol.AppendMessage(b, &header, protocol.HeaderVersion(key, version))
	b = protocol.AppendMessage(b, message, version)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// send sends a request of the API in a fixed version and returns its correlation id.
func (p *peer) send(key protocol.Key) int32 {
	p.t.Helper()
	p.last++
	p.write(frame(key, testVersion, p.last, "tester", protocol.NewRequest(key)))
	return p.last
}

// testVersion is one that every API of the tests has.
const testVersion = 3

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Errorf("writing %d bytes: %v", len(b), err)
	}
}

// read reads a response and returns its correlation id and all bytes behind it.
func (p *peer) read() (id int32, body []byte, err error) {
	var prefix [8]byte
	if _, err := io.ReadFull(p, prefix[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(prefix[:])-4)
	_, err = io.ReadFull(p, body)
	return int32(binary.BigEndian.Uint32(prefix[4:])), body, err
}

// expect reads responses and wants these correlation ids.
func (p *peer) expect(ids ...int32) {
	p.t.Helper()
	for _, want := range ids {
		if id, _, err := p.read(); err != nil || id != want {
			p.t.Fatalf("read the answer %d, %v; want %d", id, err, want)
		}
	}
}

// expectNothing wants nothing to be there to read when nothing moves any more.
func (p *peer) expectNothing() {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Microsecond))
	var b [1]byte
	if n, err := p.Read(b[:]); n > 0 || err == io.EOF {
		p.t.Fatalf("read %d bytes, %v; want nothing", n, err)
	}
	_ = p.SetReadDeadline(time.Time{})
}

// expectEnd wants the connection to be closed without another byte.
func (p *peer) expectEnd() {
	p.t.Helper()
	var b [1]byte
	if n, err := p.Read(b[:]); n > 0 || err == nil || isTimeout(err) {
		p.t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// reply answers a call with an empty response.
func reply(call *api.Call) { call.Reply(protocol.NewResponse(call.Key)) }
