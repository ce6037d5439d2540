package pipeline

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errLeaseOver is of what a process wants to do in the name of the source after its time.
var errLeaseOver = errors.New("another process may run the source by now")

// lease is one turn at a source, which ends at a time unless it is moved on. What is sent under it goes through its connections: they
// write nothing after the end, however late a process that was stopped wakes up.
type lease struct {
	mu    sync.Mutex
	until time.Time
	over  bool
	conns map[*leasedConn]struct{}
}

func newLease(until time.Time) *lease { return &lease{until: until, conns: map[*leasedConn]struct{}{}} }

// extend moves the end of a lease that is not over.
func (l *lease) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) && time.Now().Before(l.until) {
		l.until = until
	}
}

// holds reports whether the time is not over.
func (l *lease) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over && time.Now().Before(l.until)
}

// end ends the lease and its connections. What they have not sent yet is dropped.
func (l *lease) end() {
	l.mu.Lock()
	l.over = true
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		c.drop()
	}
}

// dialer is how connections are made.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// dial makes connections that are the lease's.
func (l *lease) dial(with dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if !l.holds() {
			return nil, errLeaseOver
		}
		conn, err := with(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &leasedConn{Conn: conn, of: l}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.over {
			_ = conn.Close()
			return nil, errLeaseOver
		}
		l.conns[c] = struct{}{}
		return c, nil
	}
}

// transport is that of a cluster, under the lease.
func (l *lease) transport(to *cluster) []kgo.Opt {
	dial, _ := to.client.OptValue(kgo.Dialer).(func(context.Context, string, string) (net.Conn, error)) // it encrypts, if that is wanted
	return append(append([]kgo.Opt{}, to.transport...), kgo.DialTLSConfig(nil), kgo.Dialer(l.dial(dial)))
}

type leasedConn struct {
	net.Conn
	of *lease
}

// Write implements net.Conn.
func (c *leasedConn) Write(b []byte) (int, error) {
	if !c.of.holds() {
		c.drop()
		return 0, errLeaseOver
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *leasedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// drop closes the connection, and what the system has not sent of it is not sent.
func (c *leasedConn) drop() {
	raw := c.Conn
	if encrypted, ok := raw.(*tls.Conn); ok {
		raw = encrypted.NetConn()
	}
	if tcp, ok := raw.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}
