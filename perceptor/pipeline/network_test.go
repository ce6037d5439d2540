package pipeline

import (
	"context"
	"errors"
	"net"
	"sync"
)

// network is a process's way to the brokers, as a system's sockets are: what was written to a connection goes on its way even if the
// process is stopped or the connection is closed, as long as it was not closed with a linger of 0.
type network struct {
	with dialer

	mu      sync.Mutex
	stalled chan struct{} // closed when it goes on; nil if it does
	gone    bool
	conns   []*socket
}

func newNetwork(with dialer) *network { return &network{with: with} }

var errCut = errors.New("the network is cut")

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := n.pass(ctx.Done()); err != nil {
		return nil, err
	}
	conn, err := n.with(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: conn, of: n, more: make(chan struct{}, 1), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone {
		_ = conn.Close()
		return nil, errCut
	}
	n.conns = append(n.conns, s)
	go s.send()
	return s, nil
}

// pass waits while the network is stalled.
func (n *network) pass(done <-chan struct{}) error {
	for {
		n.mu.Lock()
		stalled, gone := n.stalled, n.gone
		n.mu.Unlock()
		switch {
		case gone:
			return errCut
		case stalled == nil:
			return nil
		}
		select {
		case <-stalled:
		case <-done:
			return errCut
		}
	}
}

// stall keeps back what is written and what comes, until heal.
func (n *network) stall() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stalled = make(chan struct{})
}

func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stalled != nil {
		close(n.stalled)
		n.stalled = nil
	}
}

// cut ends all at once, as the death of a machine does.
func (n *network) cut() {
	n.mu.Lock()
	n.gone = true
	conns := n.conns
	n.mu.Unlock()
	n.heal()
	for _, s := range conns {
		_ = s.SetLinger(0)
		_ = s.Close()
	}
}

// socket is a connection with a buffer of what is on its way.
type socket struct {
	net.Conn
	of     *network
	more   chan struct{}
	closed chan struct{}

	mu     sync.Mutex
	buffer []byte
	over   bool
}

func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, net.ErrClosed
	}
	s.buffer = append(s.buffer, b...)
	s.wake()
	return len(b), nil
}

func (s *socket) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// send takes what was written to the broker.
func (s *socket) send() {
	defer s.Conn.Close()
	for {
		<-s.more
		if s.of.pass(nil) != nil {
			return
		}
		s.mu.Lock()
		out, over := s.buffer, s.over
		s.buffer = nil
		s.mu.Unlock()
		if _, err := s.Conn.Write(out); err != nil || over {
			return
		}
	}
}

func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if stalled := s.of.pass(s.closed); stalled != nil {
		return 0, stalled
	}
	return n, err
}

// SetLinger drops what is not sent, if it is 0.
func (s *socket) SetLinger(seconds int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seconds == 0 {
		s.buffer = nil
	}
	return nil
}

func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over = true
		close(s.closed)
		s.wake()
	}
	return nil
}
