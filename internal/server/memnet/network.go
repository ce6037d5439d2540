// Package memnet is a network in memory: listeners and connections that behave as TCP on one machine does, without the
// machine. Under testing/synctest whoever waits on it is durably blocked, so that time moves. It refuses to be slow,
// to lose bytes or to reorder them: a connection that is cut is reset as a whole.
//
// Start with Network.
package memnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Network is a set of listeners by address. The zero Network is ready. Its methods may be called concurrently.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	port      uint16 // the last one that was given to a client or for port 0
	pairs     map[*Conn]struct{}
	held      func(from, to string) bool
}

// backlog is how many connections wait to be accepted.
const backlog = 128

var errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED) // as on TCP

// Listen opens an address such as "127.0.0.1:9092". The network "tcp" is the only one. Port 0 is a free port.
func (n *Network) Listen(network, address string) (net.Listener, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if portText == "0" {
		portText = strconv.Itoa(int(n.freePort()))
	}
	if ip, err := netip.ParseAddr(host); err != nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address = net.JoinHostPort(host, portText)
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: fmt.Errorf("%s is in use", address)}
	}
	l := &listener{network: n, address: address, arrivals: make(chan *Conn, backlog), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[address] = l
	return l, nil
}

func (n *Network) freePort() uint16 {
	n.port = max(n.port+1, 20000)
	return n.port
}

// DialContext connects to a listener. It has the form that net.Dialer's has.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.DialFrom(ctx, "", network, address)
}

// DialFrom is DialContext by somebody who listens at an address: Hold and CutFrom know the connection by it.
func (n *Network) DialFrom(ctx context.Context, from, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[resolve(address)]
	client := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), n.freePort())
	n.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", address, errRefused)}
	}
	return l.connect(ctx, client, from)
}

// resolve makes a loopback address of the names that mean it.
func resolve(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && (host == "localhost" || host == "") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// CutAll resets every connection that is open, on both sides.
func (n *Network) CutAll() {
	n.mu.Lock()
	pairs := n.pairs
	n.pairs = nil
	n.mu.Unlock()
	for c := range pairs {
		c.Cut()
	}
}

// CutAt resets every connection that was made to an address, on both sides.
func (n *Network) CutAt(address string) {
	n.cut(func(c *Conn) bool { return c.remote == Addr(address) })
}

// CutFrom resets every connection that was made by DialFrom an address, on both sides.
func (n *Network) CutFrom(address string) {
	n.cut(func(c *Conn) bool { return c.from == address })
}

func (n *Network) cut(which func(*Conn) bool) {
	n.mu.Lock()
	var cut []*Conn
	for c := range n.pairs {
		if which(c) {
			cut = append(cut, c)
		}
	}
	n.mu.Unlock()
	for _, c := range cut {
		c.Cut()
	}
}

// Hold lets connections stand and carry nothing, those that are open and those that are made from now on: what somebody
// at one address sends to another is held back while held says so, and arrives after a Hold that lets it. The address
// of a client that dialled with DialContext is "". It replaces what was held before; nil holds nothing. It ends Conn.Freeze.
// held must not call the network.
func (n *Network) Hold(held func(from, to string) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = held
	for c := range n.pairs {
		n.hold(c)
	}
}

// hold freezes or thaws both directions of a connection, of which c is the dialling end. The caller holds mu.
func (n *Network) hold(c *Conn) {
	out := n.held != nil && n.held(c.from, string(c.remote))
	in := n.held != nil && n.held(string(c.remote), c.from)
	c.out.freeze(out)
	c.in.freeze(in)
	if c.ended && !out && !in {
		delete(n.pairs, c)
	}
}

func (n *Network) opened(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pairs == nil {
		n.pairs = map[*Conn]struct{}{}
	}
	n.pairs[c] = struct{}{}
	if n.held != nil {
		n.hold(c)
	}
}

// closed forgets a connection. One that is held back is kept until it is not: its end is still on its way.
func (n *Network) closed(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.ended = n.held != nil && (c.in.isFrozen() || c.out.isFrozen()); !c.ended {
		delete(n.pairs, c)
	}
}
