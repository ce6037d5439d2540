// Package wire speaks to a broker with bare requests, one at a time on each
// connection: no client library's queues, retries or threads stand between a
// request and its time.
//
// It refuses to retry, except while a coordinator comes up (Await). Start
// reading at Conn.
package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// responseBytesMax bounds what a broker may answer.
const responseBytesMax = 64 << 20

// Conn is one connection, for one goroutine at a time.
type Conn struct {
	conn        net.Conn
	stop        func() bool // forgets the context
	reader      *bufio.Reader
	format      *kmsg.RequestFormatter
	correlation int32 // of the last request that was sent
	answered    int32 // and of the last that was answered
	out, in     []byte

	deadline    time.Time // of the context; zero is none
	mu          sync.Mutex
	awaiting    bool // AwaitAnswer reads
	interrupted bool
}

// Dialer opens a connection, as net.Dialer's DialContext does.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Dial connects by TCP. The context's deadline, if it has one, holds for
// everything that is done on the connection; cancelling it closes the
// connection.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	var dialer net.Dialer
	return DialWith(ctx, dialer.DialContext, addr, "bench")
}

// DialWith is Dial with a network and a client id of the caller's choice.
func DialWith(ctx context.Context, dial Dialer, addr, clientID string) (*Conn, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	deadline, limited := ctx.Deadline()
	if limited {
		_ = conn.SetDeadline(deadline) // a failure shows in the next write
	}
	c := newConn(conn, clientID)
	c.deadline = deadline
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return c, nil
}

func newConn(conn net.Conn, clientID string) *Conn {
	return &Conn{conn: conn, reader: bufio.NewReader(conn), format: kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))}
}

// Close ends the connection.
func (c *Conn) Close() {
	c.stop()
	_ = c.conn.Close()
}

// RoundTrip sends a request in the version that it carries, and returns the
// answer. It does not look at error codes. Byte fields of the answer are good
// until the next RoundTrip, unless Keep is called before it.
//
//	request:  size:4 | header by kmsg | body
//	response: size:4 | correlation:4 | tags, if flexible | body
func (c *Conn) RoundTrip(request kmsg.Request) (kmsg.Response, error) {
	if err := c.Send(request); err != nil {
		return nil, err
	}
	return c.Receive(request)
}

// Send sends a request. Receive must be called for each, in the same order.
func (c *Conn) Send(request kmsg.Request) error {
	c.correlation++
	c.out = c.format.AppendRequest(c.out[:0], request, c.correlation)
	_, err := c.conn.Write(c.out)
	return err
}

// Receive returns the answer to the oldest request that has none yet, which is
// this one.
func (c *Conn) Receive(request kmsg.Request) (kmsg.Response, error) {
	body, err := c.answer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kmsg.NameForKey(request.Key()), err)
	}
	if request.IsFlexible() && request.Key() != 18 { // the header of ApiVersions stays as it was
		body = body[1:] // a count of tags that is 0
	}
	response := request.ResponseKind()
	if err := response.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("%s: %w", kmsg.NameForKey(request.Key()), err)
	}
	return response, nil
}

// answer reads the next answer and returns what follows its correlation id.
func (c *Conn) answer() ([]byte, error) {
	body, err := c.read()
	if err != nil {
		return nil, err
	}
	c.answered++
	if got := int32(binary.BigEndian.Uint32(body)); got != c.answered {
		return nil, fmt.Errorf("answer to request %d, not %d", got, c.answered)
	}
	return body[4:], nil
}

// Keep leaves the last answer's bytes to whoever has the answer.
func (c *Conn) Keep() { c.in = nil }

func (c *Conn) read() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.reader, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n < 5 || n > responseBytesMax {
		return nil, fmt.Errorf("an answer of %d bytes", n)
	}
	if cap(c.in) < n {
		c.in = make([]byte, n)
	}
	c.in = c.in[:n]
	_, err := io.ReadFull(c.reader, c.in)
	return c.in, err
}
