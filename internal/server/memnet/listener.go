package memnet

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

type listener struct {
	network  *Network
	address  string
	arrivals chan *Conn
	once     sync.Once
	closed   chan struct{}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrivals:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

// Close stops accepting, and resets who was not accepted yet.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.address)
		l.network.mu.Unlock()
		close(l.closed)
		l.turnAway()
	})
	return nil
}

// turnAway resets who was not accepted, once the listener is closed.
func (l *listener) turnAway() {
	for {
		select {
		case c := <-l.arrivals:
			c.Cut()
		default:
			return
		}
	}
}

// Addr is the address that clients dial.
func (l *listener) Addr() net.Addr { return Addr(l.address) }

func (l *listener) connect(ctx context.Context, address netip.AddrPort, from string) (net.Conn, error) {
	client, server := pair(l.network, Addr(address.String()), Addr(l.address))
	client.from = from
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errRefused}
	select {
	case <-l.closed:
		return nil, refused
	default:
	}
	l.network.opened(client) // before the other end can close it
	select {
	case l.arrivals <- server:
		select {
		case <-l.closed: // perhaps after Close has looked who was not accepted
			l.turnAway()
		default:
		}
		return client, nil
	case <-l.closed:
		client.Cut()
		return nil, refused
	case <-ctx.Done():
		client.Cut()
		return nil, ctx.Err()
	}
}

// Addr is an address of the form host:port.
type Addr string

// Network is "tcp".
func (Addr) Network() string { return "tcp" }

// String is host:port.
func (a Addr) String() string { return string(a) }
