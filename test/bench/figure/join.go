package figure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// Join: members that start at once. Each does what a client does on a
// connection of its own: ApiVersions, FindCoordinator, JoinGroup (twice, the
// first answer is its member id), SyncGroup. They send heartbeats each 200 ms,
// counted from the last one that was sent, and join again when a heartbeat
// tells them to. It is over when all have their assignment in the same
// generation; the number of that generation is the number of rebalances, since
// the group is new. "join-v3" is the same with JoinGroup v3, in which a member
// joins with one request: so do older clients.

const (
	heartbeatEvery = 200 * time.Millisecond
	stormTimeMax   = time.Minute
)

func (b *Bench) join(ctx context.Context) error {
	for _, variant := range []struct {
		name    string
		version int16
	}{{"join", 9}, {"join-v3", 3}} {
		once := func(ctx context.Context, side string) (values, error) { return b.joinOnce(ctx, side, variant.version) }
		for _, side := range []string{report.Skein, report.Kafka} {
			if _, err := once(ctx, side); err != nil { // uncounted
				return fmt.Errorf("warming %s up: %w", side, err)
			}
		}
		if err := b.turns(ctx, variant.name, []string{report.Skein, report.Kafka}, once); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) joinOnce(ctx context.Context, side string, version int16) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	group := b.newName()
	if err := k.awaitCoordinator(ctx, group); err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stormTimeMax)
	defer cancel()
	s := &storm{members: b.Sizes.Members, over: make(chan struct{})}
	took, err := s.run(ctx, k.Addr(), wire.Membership{
		Group: group, Topic: "any", SessionTimeout: 30_000, RebalanceTimeout: 60_000, JoinVersion: version})
	if err != nil {
		return nil, err
	}
	after, err := k.cpu()
	if err != nil {
		return nil, err
	}
	b.used = true
	return values{"seconds": took.Seconds(), "rebalances": float64(s.generation), "cpu_s": after.Since(before.CPU).Total()}, nil
}

// storm watches the members until all are in one generation.
type storm struct {
	members int
	over    chan struct{} // closed when it has come true

	mu         sync.Mutex
	generation int32 // the newest that a member is in
	in         int   // members that are in it
	err        error
}

// run lets all members go and returns how long it took until all were stable.
// They are gone when it returns.
func (s *storm) run(ctx context.Context, addr string, in wire.Membership) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	start := time.Now()
	for range s.members {
		running.Go(func() { s.end(s.live(ctx, addr, in)) })
	}
	select {
	case <-s.over:
	case <-ctx.Done():
		s.end(fmt.Errorf("only some members are in one generation: %w", ctx.Err()))
	}
	took := time.Since(start)
	cancel() // closes the connections
	running.Wait()
	if s.err != nil {
		return 0, fmt.Errorf("%d of %d members in generation %d after %v: %w", s.in, s.members, s.generation, took, s.err)
	}
	return took, nil
}

// live is one member, until its connection is closed.
func (s *storm) live(ctx context.Context, addr string, in wire.Membership) error {
	c, err := wire.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := errors.Join(c.APIVersions(), c.FindCoordinator(in.Group)); err != nil {
		return err
	}
	m := &wire.Member{Conn: c, Membership: in}
	for {
		all, err := m.Join()
		if err == nil {
			err = m.Sync(all)
		}
		if err == nil {
			s.stable(m.Generation)
			err = beat(m)
		}
		if err != kerr.RebalanceInProgress {
			return fmt.Errorf("member %s in generation %d: %w", m.ID, m.Generation, err)
		}
	}
}

// beat sends heartbeats until one is answered with an error.
func beat(m *wire.Member) error {
	for sent := time.Now(); ; {
		time.Sleep(time.Until(sent.Add(heartbeatEvery)))
		sent = time.Now()
		if err := m.Heartbeat(); err != nil {
			return err
		}
	}
}

// stable counts a member that has its assignment.
func (s *storm) stable(generation int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// end takes the error with which a member ended. One that comes when the storm
// is over is only the closed connection.
func (s *storm) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in < s.members && s.err == nil {
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
