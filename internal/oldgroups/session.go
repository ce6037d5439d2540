// Package oldgroups reads the groups of Kafka's old consumers from a ZooKeeper. It reads only: nothing in it changes a tree. What
// the bytes of a znode mean, package oldconsumer knows. Start at Open, then Read.
package oldgroups

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/go-zookeeper/zk"
)

// ErrNoNode is a znode that is not there.
var ErrNoNode = zk.ErrNoNode

// sessionTimeout is what ZooKeeper is asked for. Nothing of ours depends on the session: we keep no ephemeral znode.
const sessionTimeout = 10 * time.Second

// answerBytesMax bounds one answer: /consumers may have very many children.
const answerBytesMax = 64 << 20

// Session is a connection to a ZooKeeper. Its methods may be called by several goroutines.
type Session struct {
	address Address
	limit   time.Duration // of one answer
	conn    *zk.Conn

	mu       sync.Mutex
	raw      net.Conn
	closed   bool
	failed   error // why the last connection could not be made
	failures int   // of all servers together
	hopeless chan struct{}
}

// failuresMax is how often each server may not be there before Open gives up.
const failuresMax = 2

// Open connects, within limit, and returns when ZooKeeper has given a session and the chroot is there. limit bounds each answer
// later, too. A ctx that ends closes the session.
func Open(ctx context.Context, address Address, auth *Auth, limit time.Duration) (*Session, error) {
	s := &Session{address: address, limit: limit, hopeless: make(chan struct{})}
	conn, events, err := zk.Connect(address.Servers, sessionTimeout, zk.WithLogger(quiet{}), zk.WithLogInfo(false), zk.WithDialer(s.dial),
		zk.WithMaxBufferSize(answerBytesMax))
	if err != nil {
		return nil, s.unreachable(err)
	}
	s.conn = conn
	ready, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for state := zk.StateUnknown; state != zk.StateHasSession; {
		select {
		case e := <-events:
			state = e.State
		case <-s.hopeless:
			s.Close()
			return nil, s.unreachable(nil)
		case <-ready.Done():
			s.Close()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, s.unreachable(nil)
		}
	}
	go func() { // its channel holds few, and losing one is nothing to us
		for range events {
		}
	}()
	context.AfterFunc(ctx, s.Close)
	if auth != nil {
		if _, err := ask(s, "the credentials", func() (struct{}, error) { return struct{}{}, conn.AddAuth(auth.Scheme, auth.Credentials) }); err != nil {
			s.Close()
			return nil, fmt.Errorf("ZooKeeper at %s refuses the credentials (scheme %s): %w", address, auth.Scheme, err)
		}
	}
	if err := s.enter(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// enter waits until this server knows what the ensemble knows, and looks for the chroot.
func (s *Session) enter() error {
	if _, err := ask(s, "Sync", func() (string, error) { return s.conn.Sync("/") }); err != nil {
		return err
	}
	if s.address.Root == "" {
		return nil
	}
	there, err := ask(s, s.address.Root, func() (bool, error) {
		there, _, err := s.conn.Exists(s.address.Root)
		return there, err
	})
	if err == nil && !there {
		err = fmt.Errorf("ZooKeeper at %s has no %s; is the chroot that of the brokers' zookeeper.connect?", s.address, s.address.Root)
	}
	return err
}

// dial keeps what it leads to: a server that says nothing is waited for no longer than this session lasts.
func (s *Session) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, min(timeout, s.limit))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	if err != nil {
		if s.failures++; s.failures == failuresMax*len(s.address.Servers) {
			close(s.hopeless)
		}
		return nil, err
	}
	if s.closed {
		_ = conn.Close()
		return nil, zk.ErrClosing
	}
	s.raw = conn
	return conn, nil
}

// Close ends the session. What is asked meanwhile fails. It may be called again.
func (s *Session) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	idle := s.raw == nil || s.conn.State() != zk.StateHasSession
	s.mu.Unlock()
	if !first {
		return
	}
	if idle { // it would wait for an answer that cannot come
		s.cut()
	}
	s.conn.Close()
	s.cut()
}

func (s *Session) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.raw != nil {
		_ = s.raw.Close()
	}
}

// Children lists the names below a znode; ErrNoNode if it is not there. Paths are below the chroot.
func (s *Session) Children(path string) ([]string, error) {
	return ask(s, path, func() ([]string, error) {
		names, _, err := s.conn.Children(s.address.Root + path)
		return names, err
	})
}

// Get reads a znode; ErrNoNode if it is not there.
func (s *Session) Get(path string) ([]byte, error) {
	return ask(s, path, func() ([]byte, error) {
		data, _, err := s.conn.Get(s.address.Root + path)
		return data, err
	})
}

// ask waits for one answer, no longer than the session's limit.
func ask[T any](s *Session, what string, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := call()
		answered <- answer{value, err}
	}()
	limit := time.NewTimer(s.limit)
	defer limit.Stop()
	select {
	case a := <-answered:
		return a.value, s.explain(what, a.err)
	case <-limit.C:
		s.Close() // which ends the call
		var none T
		return none, fmt.Errorf("ZooKeeper at %s did not answer within %v about %s", s.address, s.limit, what)
	}
}

// explain says what was asked when it went wrong, and what to do.
func (s *Session) explain(path string, err error) error {
	switch {
	case err == nil || errors.Is(err, zk.ErrNoNode):
		return err
	case errors.Is(err, zk.ErrNoAuth):
		return fmt.Errorf("%s%s: its ACL does not let this client read it; name somebody who may with --zookeeper-auth-file: %w", s.address.Root, path, err)
	case errors.Is(err, zk.ErrConnectionClosed), errors.Is(err, zk.ErrClosing), errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrSessionExpired):
		return fmt.Errorf("the connection to ZooKeeper at %s was lost while %s was read: %w", s.address, path, err)
	}
	return fmt.Errorf("%s%s in ZooKeeper at %s: %w", s.address.Root, path, s.address, err)
}

// unreachable says why there is no session.
func (s *Session) unreachable(err error) error {
	s.mu.Lock()
	if err == nil {
		err = s.failed
	}
	s.mu.Unlock()
	what := fmt.Sprintf("cannot reach ZooKeeper at %s", s.address)
	if _, unknown := errors.AsType[*net.DNSError](err); unknown {
		return fmt.Errorf("%s: the name is not known; is --zookeeper right? %w", what, err)
	}
	switch {
	case err == nil:
		return fmt.Errorf("%s: it accepts connections and gave no session within %v; is it ZooKeeper's client port, and does the ensemble have a quorum?", what, s.limit)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: connection refused; is ZooKeeper running there? %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// quiet is a logger of the library that says nothing: errors are returned.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
