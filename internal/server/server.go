package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is what Serve returns after Close.
var ErrClosed = errors.New("the server is closed")

// Server serves connections on any number of listeners. Its methods may be called concurrently.
type Server struct {
	Counters Counters

	handler     Handler
	log         *rateLog
	config      atomic.Pointer[Config]
	buffers     *buffers
	budget      budget
	largeDecode sync.Mutex // held while a large request is decoded
	admission   admission
	filesMax    int
	began       time.Time // where the monotonic times of connections count from

	goroutines sync.WaitGroup
	closing    chan struct{} // closed by Close
	sweep      sync.Once

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	conns     map[*conn]struct{}
}

// New makes a Server that gives its requests to handler.
func New(config Config, handler Handler, log *slog.Logger) *Server {
	s := &Server{
		handler:  handler,
		log:      newRateLog(log),
		buffers:  newBuffers(config.BuffersKept),
		budget:   budget{max: config.QueuedBytesMax},
		filesMax: connectionFilesMax(),
		began:    time.Now(),
		closing:  make(chan struct{}),
		conns:    map[*conn]struct{}{},
	}
	s.config.Store(&config)
	return s
}

// Reconfigure sets other limits. QueuedBytesMax and BuffersKept stay as they were.
func (s *Server) Reconfigure(config Config) { s.config.Store(&config) }

func (s *Server) limits() *Config { return s.config.Load() }

// BytesInFlight is the memory that requests hold, over all connections.
func (s *Server) BytesInFlight() int64 { return s.budget.inUse() }

// Serve accepts connections until Close, which makes it return ErrClosed and closes the listener. name is the
// listener's, for api.Client.
func (s *Server) Serve(listener net.Listener, name string) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = listener.Close()
		return ErrClosed
	}
	s.listeners = append(s.listeners, listener)
	s.goroutines.Add(1)
	s.mu.Unlock()
	defer s.goroutines.Done()
	s.sweep.Do(func() { s.goroutines.Go(s.sweepIdle) })
	return s.accept(listener, name)
}

// Close stops accepting and reading, lets the requests in flight be answered for up to DrainTimeout or until the
// context ends, and closes every connection. When it returns no goroutine of the server is left. It may be called
// several times.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	if first {
		close(s.closing)
	}
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, c := range s.connections() {
		c.stop("the server is closing")
	}
	ended := make(chan struct{})
	go func() {
		s.goroutines.Wait()
		close(ended)
	}()
	timer := time.NewTimer(s.limits().DrainTimeout)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	for _, c := range s.connections() {
		c.end("the server is closing")
	}
	<-ended
	return ctx.Err()
}

func (s *Server) connections() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// add takes a connection in and runs it, unless the server is closed.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	s.Counters.ConnectionsOpen.Add(1)
	s.goroutines.Go(func() {
		c.read()
		s.remove(c)
	})
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.admission.leave(c.ip)
	s.Counters.ConnectionsOpen.Add(-1)
}
