package figure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/test/bench/wire"
)

// connectingMax is how many members of a storm connect at once, so that the
// listener's queue does not overflow: a connection that it drops is tried
// again by the kernel a second later.
const connectingMax = 512

// errLeft ends a member that has left its group.
var errLeft = errors.New("the member has left")

// storm is the members of one group, and a watch that sees when all are in one
// generation.
type storm struct {
	ctx        context.Context
	cancel     context.CancelFunc
	addr       string
	software   string // that the members name in ApiVersions
	membership wire.Membership
	// stay is what the i-th member does once it has its assignment, until it
	// learns of a rebalance, or has left.
	stay       func(i int, m *wire.Member) error
	connecting chan struct{}
	running    sync.WaitGroup
	started    int // members so far

	mu         sync.Mutex
	members    int           // that are awaited
	over       chan struct{} // closed when they are in one generation
	floor      int32         // which is greater than this one
	generation int32         // the newest that a member is in
	in         int           // members that are in it
	err        error         // with which a member ended first
}

func newStorm(ctx context.Context, addr, software string, membership wire.Membership, stay func(i int, m *wire.Member) error) *storm {
	s := &storm{addr: addr, software: software, membership: membership, stay: stay, connecting: make(chan struct{}, connectingMax)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// gather lets n more members come, and returns how long it took until all were
// stable in one generation.
func (s *storm) gather(n int) (time.Duration, error) {
	return s.change(s.members+n, func() {
		for range n {
			i := s.started
			s.started++
			s.running.Go(func() { s.end(s.live(i)) })
		}
	})
}

// change does something to the group and returns how long it took until so
// many members were stable in a later generation.
func (s *storm) change(members int, do func()) (time.Duration, error) {
	s.mu.Lock()
	s.members, s.in, s.floor, s.over = members, 0, s.generation, make(chan struct{})
	s.mu.Unlock()
	start := time.Now()
	do()
	select {
	case <-s.over:
	case <-s.ctx.Done():
	}
	took := time.Since(start)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.in < s.members {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, fmt.Errorf("%d of %d members in generation %d after %v: %w", s.in, s.members, s.generation, took, s.err)
	}
	return took, nil
}

// newest is the newest generation that a member has been in.
func (s *storm) newest() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// failure is the error with which a member ended first, if one has.
func (s *storm) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// disperse ends the members by closing their connections.
func (s *storm) disperse() {
	s.cancel()
	s.running.Wait()
}

// live is one member, until it has left or its connection is closed.
func (s *storm) live(i int) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	m := &wire.Member{Conn: c, Membership: s.membership}
	for {
		all, err := m.Join()
		if err == nil {
			err = m.Sync(all)
		}
		if err == nil {
			s.stable(m.Generation)
			err = s.stay(i, m)
		}
		if err == errLeft {
			return nil
		}
		if err != kerr.RebalanceInProgress {
			return fmt.Errorf("member %s in generation %d: %w", m.ID, m.Generation, err)
		}
	}
}

func (s *storm) connect() (*wire.Conn, error) {
	s.connecting <- struct{}{}
	defer func() { <-s.connecting }()
	c, err := wire.Dial(s.ctx, s.addr)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.APIVersionsAs(s.software, "2.0.2"), c.FindCoordinator(s.membership.Group)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// stable counts a member that has its assignment.
func (s *storm) stable(generation int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation <= s.floor {
		return
	}
	if generation > s.generation {
		s.generation, s.in = generation, 0
	}
	if generation == s.generation {
		s.in++
	}
	if s.in == s.members {
		s.closeOver()
	}
}

// end takes the error with which a member ended, unless the storm was
// dispersed: then it is only the closed connection.
func (s *storm) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.err == nil && s.ctx.Err() == nil {
		s.err = err
		s.closeOver()
	}
}

func (s *storm) closeOver() {
	select {
	case <-s.over:
	default:
		close(s.over)
	}
}
