package consumer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/skeintest"
)

// hostile stands between consumers and an honest node, and changes what the node answers.
type hostile struct {
	node *skeintest.Node

	// password is what the broker asks for with SASL; "": nothing.
	password string

	mu    sync.Mutex
	spoil func(*answer) // nil: it is honest
	count int           // answers that were changed
}

// answer is one answer on its way to the consumer.
type answer struct {
	key, version int16
	body         []byte // behind the header
	frame        []byte // what is sent in its place, if it is not nil: size and all
	silent       bool   // nothing is sent
	ends         bool   // the connection ends behind it
	asked        []byte // the request, behind its header's first 8 bytes
	response     kmsg.Response
	header       []byte
	changed      bool
}

// is decodes the answer if it is one of R, and says whether it is.
func is[R kmsg.Response](a *answer) (R, bool) {
	var none R
	if a.key != none.Key() {
		return none, false
	}
	if a.response == nil {
		a.response = kmsg.ResponseForKey(a.key)
		if a.key == kmsg.ApiVersions.Int16() && len(a.body) > 1 && a.body[1] == 35 {
			a.version = 0 // how a broker answers a version that it does not know
		}
		a.response.SetVersion(a.version)
		if err := a.response.ReadFrom(a.body); err != nil {
			panic(err)
		}
	}
	a.changed = true
	return a.response.(R), true
}

// bytes is what goes to the consumer.
func (a *answer) bytes() []byte {
	if a.silent {
		return nil
	}
	if a.frame != nil {
		return a.frame
	}
	body := a.body
	if a.response != nil {
		body = a.response.AppendTo(nil)
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(a.header)+len(body)))
	return append(append(frame, a.header...), body...)
}

// turn makes the broker hostile, or honest again with nil.
func (h *hostile) turn(spoil func(*answer)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spoil = spoil
}

func (h *hostile) spoiled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// dial is a Dialer whose connections lead through the hostile broker.
func (h *hostile) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := h.node.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &spoiledConn{Conn: conn, by: h, open: map[int32]request{}}, nil
}

type request struct {
	key, version int16
	rest         []byte
}

// spoiledConn reads whole answers and gives out what the hostile broker makes of them.
type spoiledConn struct {
	net.Conn
	by *hostile

	mu   sync.Mutex
	sent []byte // the beginning of a request that is not whole
	open map[int32]request

	ready []byte // read by one goroutine
	ended bool
}

func (c *spoiledConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.sent = append(c.sent, b...)
	for len(c.sent) >= 4 {
		size := int(binary.BigEndian.Uint32(c.sent))
		if len(c.sent) < 4+size {
			break
		}
		frame := c.sent[4 : 4+size]
		if answer := c.by.login(frame); answer != nil {
			c.ready = append(c.ready, answer...) // the client reads when it has written
			c.sent = bytes.Clone(c.sent[4+size:])
			c.mu.Unlock()
			return len(b), nil
		}
		c.open[int32(binary.BigEndian.Uint32(frame[4:]))] = request{
			key: int16(binary.BigEndian.Uint16(frame)), version: int16(binary.BigEndian.Uint16(frame[2:])), rest: bytes.Clone(frame[8:]),
		}
		c.sent = bytes.Clone(c.sent[4+size:])
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *spoiledConn) Read(b []byte) (int, error) {
	for len(c.ready) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// next takes the next answer.
func (c *spoiledConn) next() error {
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(c.Conn, frame); err != nil {
		return err
	}
	id := int32(binary.BigEndian.Uint32(frame))
	c.mu.Lock()
	r := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	a := &answer{key: r.key, version: r.version, asked: r.rest, header: frame[:4], body: frame[4:]}
	if kind := kmsg.ResponseForKey(r.key); kind != nil && r.key != kmsg.ApiVersions.Int16() {
		if kind.SetVersion(r.version); kind.IsFlexible() {
			a.header, a.body = frame[:5], frame[5:]
		}
	}
	c.by.mu.Lock()
	if c.by.spoil != nil {
		c.by.spoil(a)
		if a.changed || a.frame != nil || a.silent || a.ends {
			c.by.count++
		}
	}
	c.by.mu.Unlock()
	c.ready, c.ended = a.bytes(), a.ends
	return nil
}

// login answers the requests of SASL, which the node behind does not know.
func (h *hostile) login(request []byte) []byte {
	key, version := int16(binary.BigEndian.Uint16(request)), int16(binary.BigEndian.Uint16(request[2:]))
	if h.password == "" || key != kmsg.SASLHandshake.Int16() && key != kmsg.SASLAuthenticate.Int16() {
		return nil
	}
	a := &answer{key: key, version: version, header: request[4:8], response: kmsg.ResponseForKey(key)}
	a.response.SetVersion(version)
	switch r := a.response.(type) {
	case *kmsg.SASLHandshakeResponse:
		r.SupportedMechanisms = []string{"PLAIN"}
	case *kmsg.SASLAuthenticateResponse:
		if !bytes.Contains(request, append([]byte{0}, h.password...)) {
			r.ErrorCode, r.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("invalid name or password")
		}
	}
	if a.response.IsFlexible() {
		a.header = append(bytes.Clone(a.header), 0)
	}
	return a.bytes()
}

// offersSASL makes the node one that has it.
func offersSASL(r *kmsg.ApiVersionsResponse) {
	for key, most := range map[kmsg.Key]int16{kmsg.SASLHandshake: 1, kmsg.SASLAuthenticate: 2} {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MaxVersion = key.Int16(), most
		r.ApiKeys = append(r.ApiKeys, k)
	}
}

// notes is a log that can be read back.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notes) option() consumer.Option {
	return consumer.Logger(slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelInfo})))
}
