package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// wire is the way from a node to another one: package peer again, without goroutines. A connection is made when it is
// needed and begins with ApiVersions; requests that were sent fail with it, the others wait for the next.
type wire struct {
	life    *life
	name    string
	address func() (string, bool)
	limit   time.Duration // from Ask to the answer
	down    func(error)   // nil or told that a connection ended which had been ready

	conn    *sim.Conn
	offered map[protocol.Key]protocol.ApiVersionsResponseApiVersion // nil until the other node has said it
	running bool                                                    // a connection is being made, or will be after a pause
	waiting []*question                                             // not sent
	flight  []*question                                             // sent, in order
	next    int32
	fails   int // attempts and connections in a row that brought no answer
	pause   time.Time
	closed  bool
	retired bool
}

// question is one request on its way.
type question struct {
	id      int32
	request protocol.Message
	version int16 // highest: the highest that both know
	done    peer.Done
	timer   *sim.NodeTimer
}

const highest int16 = -1

var (
	errEnded  = errors.New("the connection ended")
	errClosed = errors.New("this side asks another node now")
	errSilent = errors.New("no answer in time")
)

// unsent is the error of a request that the other node has not seen; lost of one that it may have.
func unsent(code protocol.Code, cause error) error {
	return protocol.Fail(code, "%w: %w", cause, peer.ErrNotSent)
}

func lost(code protocol.Code, cause error) error { return protocol.Fail(code, "%w", cause) }

// Ask implements controllerlink.Connection.
func (w *wire) Ask(request protocol.Message, done peer.Done) { w.ask(request, highest, done) }

// AskOwn implements controllerlink.Connection.
func (w *wire) AskOwn(request protocol.Message, version int16, done peer.Done) {
	w.ask(request, version, done)
}

func (w *wire) ask(request protocol.Message, version int16, done peer.Done) {
	if w.closed || w.retired || w.life.Ended {
		done(nil, 0, unsent(protocol.NetworkException, errClosed))
		return
	}
	q := &question{request: request, version: version, done: done}
	q.timer = w.life.Machine.After(w.limit, func() { w.late(q) })
	w.waiting = append(w.waiting, q)
	w.flush()
}

// flush sends what waits, or has a connection made.
func (w *wire) flush() {
	switch {
	case w.conn == nil:
		w.connect()
	case w.offered != nil:
		for len(w.waiting) > 0 && w.conn != nil {
			q := w.waiting[0]
			w.waiting = w.waiting[1:]
			w.send(q)
		}
	}
}

func (w *wire) send(q *question) {
	key := q.request.Key()
	low, high := protocol.Versions(key)
	offered, ok := w.offered[key]
	version := min(high, offered.MaxVersion)
	if q.version != highest {
		version = q.version
	}
	if !ok || version < max(low, offered.MinVersion) || version > offered.MaxVersion {
		q.timer.Stop()
		q.done(nil, 0, unsent(protocol.UnsupportedVersion, fmt.Errorf("%s offers no version of %v", w.name, key)))
		return
	}
	q.version = version
	w.transmit(q)
}

func (w *wire) transmit(q *question) {
	w.next++
	q.id = w.next
	key, client := q.request.Key(), w.life.Machine.Name()
	header := protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: q.version, CorrelationID: q.id, ClientID: &client}
	frame := protocol.AppendMessage(nil, &header, protocol.HeaderVersion(key, q.version))
	w.flight = append(w.flight, q)
	w.conn.Send(protocol.AppendMessage(frame, q.request, q.version))
}

func (w *wire) connect() {
	if w.running || w.closed || len(w.waiting) == 0 {
		return
	}
	w.running = true
	w.life.Machine.After(max(w.pause.Sub(w.life.Clock()), 0), w.dial)
}

func (w *wire) dial() {
	address, known := w.address()
	if w.closed || !known {
		w.failed(protocol.BrokerNotAvailable, errors.New("no address is known"))
		return
	}
	w.life.world.Network.Dial(w.life.Machine, address, func(conn *sim.Conn, err error) {
		switch {
		case err != nil:
			w.failed(protocol.NetworkException, err)
		case w.closed:
			w.running = false
			conn.Reset()
		default:
			w.opened(conn)
		}
	})
}

// opened says hello.
func (w *wire) opened(conn *sim.Conn) {
	w.running, w.conn = false, conn
	conn.OnFrame = func(frame []byte) { w.answered(conn, frame) }
	conn.OnClose = func(err error) { w.ended(conn, err) }
	hello := &question{request: peer.Hello("sim"), version: 3}
	hello.done = func(response protocol.Message, _ int16, err error) {
		if r, ok := response.(*protocol.ApiVersionsResponse); ok && err == nil && r.ErrorCode == protocol.None {
			w.offered = map[protocol.Key]protocol.ApiVersionsResponseApiVersion{}
			for _, v := range r.ApiKeys {
				w.offered[protocol.Key(v.ApiKey)] = v
			}
			w.flush()
		}
	}
	hello.timer = w.life.Machine.After(min(w.limit, connectTimeout), func() { w.late(hello) })
	w.transmit(hello)
}

// failed ends an attempt to connect, and with it all that waits.
func (w *wire) failed(code protocol.Code, cause error) {
	w.running = false
	w.backOff()
	waiting := w.waiting
	w.waiting = nil
	for _, q := range waiting {
		q.timer.Stop()
		q.done(nil, 0, unsent(code, cause))
	}
	w.connect()
}

// backOff puts the next attempt off, the longer the more have failed: 50 ms to 1 s.
func (w *wire) backOff() {
	w.fails++
	pause := min(50*time.Millisecond<<min(w.fails-1, 10), time.Second)
	w.pause = w.life.Clock().Add(pause/2 + w.life.Rand.Between(0, pause/2))
}

// ended fails what was sent. The next connection is made at once if this one has answered.
func (w *wire) ended(conn *sim.Conn, cause error) {
	if w.conn != conn {
		return
	}
	ready := w.offered != nil
	w.conn, w.offered = nil, nil
	flight := w.flight
	w.flight = nil
	if ready {
		w.fails = 0
	} else {
		w.backOff()
	}
	for _, q := range flight {
		q.timer.Stop()
		q.done(nil, 0, lost(protocol.NetworkException, fmt.Errorf("%w: %w", errEnded, cause)))
	}
	if ready && w.down != nil {
		w.down(cause)
	}
	w.connect()
}

// late ends a question whose time is over. If it was sent, the connection ends: perhaps nobody is at the other end.
func (w *wire) late(q *question) {
	if i := slices.Index(w.waiting, q); i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
		q.done(nil, 0, unsent(protocol.RequestTimedOut, errSilent))
		return
	}
	if conn := w.conn; conn != nil && slices.Contains(w.flight, q) {
		conn.OnClose, conn.OnFrame = nil, nil
		conn.Reset()
		w.ended(conn, errSilent)
	}
}

func (w *wire) answered(conn *sim.Conn, frame []byte) {
	if w.conn != conn || len(w.flight) == 0 || w.life.Ended {
		return
	}
	q := w.flight[0]
	w.flight = w.flight[1:]
	q.timer.Stop()
	key := q.request.Key()
	reader := protocol.NewReader(frame, protocol.Limits{})
	var header protocol.ResponseHeader
	response := protocol.NewResponse(key)
	err := header.Decode(reader, protocol.ResponseHeaderVersion(key, q.version))
	if err == nil {
		err = response.Decode(reader, q.version)
	}
	if err != nil || header.CorrelationID != q.id {
		w.life.world.Wrong("protocol", w.life.node.String(), "the answer of %s to %v %d has correlation id %d: %v", w.name, key, q.id, header.CorrelationID, err)
		return
	}
	q.done(response, q.version, nil)
	w.life.RoundSoon()
}

// Retire implements controllerlink.Connection: nothing more is asked, what was sent may still be answered.
func (w *wire) Retire() {
	w.retired = true
	waiting := w.waiting
	w.waiting = nil
	for _, q := range waiting {
		q.timer.Stop()
		q.done(nil, 0, unsent(protocol.NetworkException, errClosed))
	}
}

// Close implements controllerlink.Connection.
func (w *wire) Close() error {
	w.closed, w.down = true, nil
	w.Retire()
	if conn := w.conn; conn != nil {
		conn.OnClose, conn.OnFrame = nil, nil
		conn.Close()
		w.ended(conn, errClosed)
	}
	return nil
}
