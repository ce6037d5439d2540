package server

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// Bounds on the wait after an Accept that failed, which is what happens when files have run out.
const (
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
)

// accept takes connections in until the listener is closed.
func (s *Server) accept(listener net.Listener, name string) error {
	backoff := acceptBackoffMin
	for {
		connection, err := listener.Accept()
		switch {
		case err == nil:
			backoff = acceptBackoffMin
			s.admit(connection, name)
			continue
		case s.isClosing():
			return ErrClosed
		case errors.Is(err, net.ErrClosed):
			return err
		}
		s.Counters.AcceptErrors.Add(1)
		s.log.warn("a connection could not be accepted", "listener", name, "reason", err.Error(), "wait", backoff.String())
		if !s.pause(backoff) {
			return ErrClosed
		}
		backoff = min(2*backoff, acceptBackoffMax)
	}
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// pause waits, and returns false if the server is closed meanwhile.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

// admit runs a connection if there is room for it, and closes it otherwise.
func (s *Server) admit(connection net.Conn, name string) {
	address := addressOf(connection)
	ip := address.Addr().Unmap()
	if err := s.admission.enter(ip, s.limits(), s.filesMax); err != nil {
		s.Counters.ConnectionsRefused.Add(1)
		s.log.warn("a connection was refused", "client", address.String(), "listener", name, "reason", err.Error())
		reset(connection)
		return
	}
	s.Counters.ConnectionsAccepted.Add(1)
	if !s.add(newConn(s, wireOf(connection), address, name)) {
		s.admission.leave(ip)
		reset(connection)
	}
}

// addressOf is the peer's address, or the zero address where it has none.
func addressOf(connection net.Conn) netip.AddrPort {
	remote := connection.RemoteAddr()
	if tcp, ok := remote.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	if remote == nil {
		return netip.AddrPort{}
	}
	address, _ := netip.ParseAddrPort(remote.String()) // zero where it is none
	return address
}
