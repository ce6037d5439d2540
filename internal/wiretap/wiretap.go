// Package wiretap listens to a client's connections: it puts frames together as they pass, and tells requests with their answers. A
// connection can also be silenced. It changes nothing of what it hears.
package wiretap

import (
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Exchange is a request of a client with its answer, as they went over its connection.
type Exchange struct {
	Key             protocol.Key
	Asked, Answered time.Time
	Request         protocol.Message
	Response        protocol.Message
}

// Groups are the APIs about groups, and how to find their coordinator.
var Groups = map[protocol.Key]bool{
	protocol.KeyFindCoordinator: true, protocol.KeyMetadata: true, protocol.KeyJoinGroup: true, protocol.KeySyncGroup: true,
	protocol.KeyHeartbeat: true, protocol.KeyLeaveGroup: true, protocol.KeyOffsetCommit: true, protocol.KeyOffsetFetch: true,
}

// tap listens to one connection of a client and passes everything on. What it cannot read it leaves out.
type tap struct {
	net.Conn
	wanted  map[protocol.Key]bool
	out, in frames
	sent    func(protocol.Key) // a request is written
	heard   func(Exchange)     // and answered

	mu    sync.Mutex
	asked map[int32]question // by correlation id
}

type question struct {
	key     protocol.Key
	version int16
	at      time.Time
	request protocol.Message
}

// questionsMax bounds what waits for an answer on one connection.
const questionsMax = 1 << 10

// New listens to a connection for the APIs that are wanted. sent is called before a request of these is written, heard when one was
// answered; both must be quick, and heard has what it is given for itself.
func New(conn net.Conn, wanted map[protocol.Key]bool, sent func(protocol.Key), heard func(Exchange)) net.Conn {
	t := &tap{Conn: conn, wanted: wanted, sent: sent, heard: heard, asked: map[int32]question{}}
	t.out = frames{headBytes: 12, wanted: t.wantsRequest, take: t.request}
	t.in = frames{headBytes: 8, wanted: t.wantsResponse, take: t.response}
	return t
}

// Write is called by one goroutine at a time, Read by another.
func (t *tap) Write(b []byte) (int, error) {
	t.out.feed(b) // first: the answer may be there before Write returns
	return t.Conn.Write(b)
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.in.feed(b[:n])
	return n, err
}

func (t *tap) wantsRequest(head []byte) bool {
	return t.wanted[protocol.Key(binary.BigEndian.Uint16(head[4:]))]
}

func (t *tap) request(frame []byte) {
	key, version := protocol.Key(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	header, request := protocol.NewRequestHeader(), protocol.NewRequest(key)
	r := protocol.NewReader(frame, protocol.Limits{})
	if header.Decode(r, protocol.HeaderVersion(key, version)) != nil || request.Decode(protocol.NewReader(r.Remaining(), protocol.Limits{}), version) != nil {
		return
	}
	t.sent(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.asked) < questionsMax {
		t.asked[header.CorrelationID] = question{key, version, time.Now(), request}
	}
}

func (t *tap) wantsResponse(head []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, asked := t.asked[int32(binary.BigEndian.Uint32(head[4:]))]
	return asked
}

func (t *tap) response(frame []byte) {
	id := int32(binary.BigEndian.Uint32(frame))
	t.mu.Lock()
	q := t.asked[id]
	delete(t.asked, id)
	t.mu.Unlock()
	header, response := protocol.NewResponseHeader(), protocol.NewResponse(q.key)
	r := protocol.NewReader(frame, protocol.Limits{})
	if header.Decode(r, protocol.ResponseHeaderVersion(q.key, q.version)) != nil || response.Decode(protocol.NewReader(r.Remaining(), protocol.Limits{}), q.version) != nil {
		return
	}
	t.heard(Exchange{Key: q.key, Asked: q.at, Answered: time.Now(), Request: q.request, Response: response})
}

// frames cuts a stream into frames and keeps those that are wanted, without their length.
//
//	length int32 | frame
type frames struct {
	headBytes int // how much decides whether a frame is wanted, with the length
	wanted    func(head []byte) bool
	take      func(frame []byte)

	buf  []byte
	skip int // bytes of an unwanted frame that are still to come
}

// frameBytesMax is the largest frame that is kept.
const frameBytesMax = 1 << 20

func (f *frames) feed(b []byte) {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(b))
			f.skip -= n
			b = b[n:]
			continue
		}
		whole := f.headBytes
		if len(f.buf) >= f.headBytes {
			whole = f.frameBytes()
		}
		n := min(whole-len(f.buf), len(b))
		f.buf = append(f.buf, b[:n]...)
		b = b[n:]
		f.settle()
	}
}

func (f *frames) frameBytes() int { return 4 + int(binary.BigEndian.Uint32(f.buf)) }

// settle decides what to do with the bytes that are there.
func (f *frames) settle() {
	if len(f.buf) < f.headBytes {
		return
	}
	whole := f.frameBytes()
	if len(f.buf) == f.headBytes && (whole > frameBytesMax || whole < f.headBytes || !f.wanted(f.buf)) {
		f.skip = max(whole-len(f.buf), 0)
		f.buf = f.buf[:0]
		return
	}
	if len(f.buf) == whole {
		frame := f.buf[4:]
		f.buf = nil
		f.take(frame)
	}
}

// Mutable is a connection that can lose what is written to it. Answers on a connection come in order, so from a request that was
// lost on it is of no use any more.
type Mutable struct {
	net.Conn
	silent atomic.Bool
}

// Silence loses everything from now on.
func (c *Mutable) Silence() { c.silent.Store(true) }

// Silent says whether something may have been lost.
func (c *Mutable) Silent() bool { return c.silent.Load() }

// Write passes on, or loses.
func (c *Mutable) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// ForCoordinator are the requests that a group's coordinator answers. Who it is, any broker says.
var ForCoordinator = map[protocol.Key]bool{
	protocol.KeyJoinGroup: true, protocol.KeySyncGroup: true, protocol.KeyHeartbeat: true, protocol.KeyLeaveGroup: true,
	protocol.KeyOffsetCommit: true, protocol.KeyOffsetFetch: true,
}
