package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// Options are what a session is opened with.
type Options struct {
	Address config.Ensemble
	// SessionTimeout is what is asked for; the ensemble decides.
	SessionTimeout time.Duration
	// ConnectTimeout bounds how long Connect waits. ConnectTimeoutName is what sets it, for messages; empty is nothing.
	ConnectTimeout     time.Duration
	ConnectTimeoutName string
	// Dial makes connections; nil is the network.
	Dial   func(network, address string, timeout time.Duration) (net.Conn, error)
	Logger *slog.Logger // nil discards
}

// Session is a session on the ensemble, over github.com/go-zookeeper/zk. It connects again by itself, and begins anew when it
// has expired. It is an Asker: one request at a time.
type Session struct {
	conn   *zk.Conn
	chroot string
	logger *slog.Logger

	requests chan *member.Request
	quit     chan struct{}
	work     sync.WaitGroup
	closing  sync.Once

	mu      sync.Mutex
	listen  func(member.Event)
	present *member.Connected // nil while there is no connection with a session
	timeout time.Duration     // as the last server has granted it
	ready   chan struct{}     // closed at the first session
	cause   error             // why the last connection was not made
}

// packetBytesMax bounds what a server may send in one packet: a list of znodes is the largest.
const packetBytesMax = 64 << 20

// Connect opens a session, and waits until it is there, for ConnectTimeout at most.
func Connect(ctx context.Context, o Options) (*Session, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = net.DialTimeout
	}
	s := &Session{chroot: o.Address.Chroot, logger: o.Logger, requests: make(chan *member.Request, 1), quit: make(chan struct{}), ready: make(chan struct{})}
	dial := func(network, address string, timeout time.Duration) (net.Conn, error) {
		c, err := o.Dial(network, address, timeout)
		if err != nil {
			s.mu.Lock()
			s.cause = err
			s.mu.Unlock()
			return nil, err
		}
		return &greeted{Conn: c, granted: s.granted}, nil
	}
	s.mu.Lock() // the first events wait until the connection is known
	conn, _, err := zk.Connect(o.Address.Servers, o.SessionTimeout, zk.WithDialer(dial), zk.WithEventCallback(s.event),
		zk.WithLogger(clientLogger{o.Logger}), zk.WithMaxBufferSize(packetBytesMax))
	s.conn = conn
	s.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("zookeeper.connect=%s: %w", o.Address, err)
	}
	s.work.Go(s.run)
	timer := time.NewTimer(o.ConnectTimeout)
	defer timer.Stop()
	select {
	case <-s.ready:
		return s, nil
	case <-timer.C:
		within := o.ConnectTimeout.String()
		if o.ConnectTimeoutName != "" {
			within = fmt.Sprintf("%s (%s)", o.ConnectTimeoutName, within)
		}
		err = fmt.Errorf("zookeeper.connect=%s: no server has given a session within %s", o.Address, within)
	case <-ctx.Done():
		err = fmt.Errorf("zookeeper.connect=%s: %w", o.Address, context.Cause(ctx))
	}
	s.mu.Lock()
	if s.cause != nil {
		err = fmt.Errorf("%w: %w", err, s.cause)
	}
	s.mu.Unlock()
	s.Close()
	return nil, err
}

// Listen implements Asker. The first event says whether there is a connection now.
func (s *Session) Listen(listen func(member.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = listen
	if s.present != nil {
		listen(s.present)
	}
}

// tell gives an event to who listens.
func (s *Session) tell(e member.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellLocked(e)
}

func (s *Session) tellLocked(e member.Event) {
	if s.listen != nil {
		s.listen(e)
	}
}

// granted is told of the session timeout that a server grants.
func (s *Session) granted(timeout time.Duration) {
	s.mu.Lock()
	s.timeout = timeout
	s.mu.Unlock()
}

// event is called by the client, on its goroutines.
func (s *Session) event(e zk.Event) {
	if e.Type != zk.EventSession {
		if path, ok := s.inside(e.Path); ok {
			s.tell(&member.Fired{Path: path})
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.State {
	case zk.StateHasSession:
		// The client gives this state before anything is sent in the session, so what is answered later was asked in it, or before.
		s.present = &member.Connected{Session: s.conn.SessionID(), Timeout: s.timeout}
		select {
		case <-s.ready:
		default:
			close(s.ready)
		}
		s.tellLocked(s.present)
	case zk.StateDisconnected, zk.StateExpired:
		if s.present != nil {
			s.present = nil
			s.tellLocked(&member.Disconnected{})
		}
	}
}

// Ask implements Asker.
func (s *Session) Ask(r *member.Request) {
	select {
	case s.requests <- r:
	case <-s.quit:
	}
}

func (s *Session) run() {
	for {
		select {
		case r := <-s.requests:
			s.tell(s.Do(r))
		case <-s.quit:
			return
		}
	}
}

// Do carries out a request, and waits for the answer: at the worst until the connection has ended, or Close.
func (s *Session) Do(r *member.Request) *member.Answer {
	a := &member.Answer{ID: r.ID}
	var stat *zk.Stat
	var err error
	path := s.path(r.Path)
	switch r.Kind {
	case member.Get:
		if r.Watch {
			a.Data, stat, _, err = s.conn.GetW(path)
		} else {
			a.Data, stat, err = s.conn.Get(path)
		}
	case member.Children:
		if r.Watch {
			a.Children, stat, _, err = s.conn.ChildrenW(path)
		} else {
			a.Children, stat, err = s.conn.Children(path)
		}
	case member.Sync:
		_, err = s.conn.Sync(path)
	case member.Multi:
		var results []zk.MultiResponse
		results, err = s.conn.Multi(s.operations(r.Ops)...)
		for _, one := range results {
			version := int32(0)
			if one.Stat != nil {
				version = one.Stat.Version
			}
			a.Versions = append(a.Versions, version)
		}
	}
	if err == nil && stat != nil {
		a.Version, a.Owner = stat.Version, stat.EphemeralOwner
	}
	a.Code = codeOf(err)
	if err != nil {
		a.Text = err.Error()
	}
	return a
}

func (s *Session) operations(ops []member.Op) []any {
	all := make([]any, 0, len(ops))
	for _, op := range ops {
		path := s.path(op.Path)
		switch op.Kind {
		case member.Create:
			flags := int32(0)
			if op.Ephemeral {
				flags = zk.FlagEphemeral
			}
			all = append(all, &zk.CreateRequest{Path: path, Data: op.Data, Acl: zk.WorldACL(zk.PermAll), Flags: flags})
		case member.Delete:
			all = append(all, &zk.DeleteRequest{Path: path, Version: op.Version})
		case member.SetData:
			all = append(all, &zk.SetDataRequest{Path: path, Data: op.Data, Version: op.Version})
		case member.Check:
			all = append(all, &zk.CheckVersionRequest{Path: path, Version: op.Version})
		}
	}
	return all
}

func (s *Session) path(inside string) string {
	if whole := s.chroot + inside; whole != "" {
		return whole
	}
	return "/"
}

// inside is a path without the chroot; false for one that is not within it.
func (s *Session) inside(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, s.chroot)
	return rest, ok && strings.HasPrefix(rest, "/")
}

// refusals are what a server says no with. Whatever else goes wrong leaves open what became of the request.
var refusals = []error{zk.ErrAPIError, zk.ErrInvalidACL, zk.ErrNotEmpty, zk.ErrNoChildrenForEphemerals, zk.ErrAuthFailed, zk.ErrInvalidFlags,
	zk.ErrUnknown, zk.ErrBadArguments, zk.ErrInvalidPath}

func codeOf(err error) member.Code {
	switch {
	case err == nil:
		return member.OK
	case errors.Is(err, zk.ErrNoNode):
		return member.NoNode
	case errors.Is(err, zk.ErrNodeExists):
		return member.NodeExists
	case errors.Is(err, zk.ErrBadVersion):
		return member.BadVersion
	case errors.Is(err, zk.ErrNoAuth):
		return member.NoAuth
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return member.Refused
		}
	}
	return member.Lost
}

// Close implements Asker.
func (s *Session) Close() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.listen = nil
		s.mu.Unlock()
		close(s.quit)
		s.conn.Close()
		s.work.Wait()
	})
}

// clientLogger gives the client's own messages to slog: what it tells is everyday.
type clientLogger struct{ log *slog.Logger }

func (l clientLogger) Printf(format string, v ...any) {
	l.log.Debug("zookeeper client: " + fmt.Sprintf(format, v...))
}
