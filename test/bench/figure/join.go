package figure

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// Join: members that are connected already all join one group at once, each
// on its own connection. They send heartbeats each 200 ms, counted from the
// last one that was sent, and join again when a heartbeat tells them to. It
// is over when all have their assignment in the same generation; the number
// of that generation is the number of rebalances, since the group is new.

const (
	heartbeatEvery = 200 * time.Millisecond
	stormTimeMax   = time.Minute
)

func (b *Bench) join(ctx context.Context) error {
	sides := []string{report.Skein, report.Kafka}
	for _, side := range sides {
		if _, err := b.joinOnce(ctx, side); err != nil { // uncounted
			return fmt.Errorf("warming %s up: %w", side, err)
		}
	}
	return b.turns(ctx, "join", sides, b.joinOnce)
}

func (b *Bench) joinOnce(ctx context.Context, side string) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
	if err != nil {
		return nil, err
	}
	if err := k.awaitCoordinator(ctx, topic); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stormTimeMax)
	defer cancel()
	s := &storm{members: b.Sizes.Members, over: make(chan struct{})}
	members, err := b.stormMembers(ctx, k, topic)
	if err != nil {
		return nil, err
	}
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	took, err := s.run(ctx, members)
	if err != nil {
		return nil, err
	}
	after, err := k.cpu()
	if err != nil {
		return nil, err
	}
	b.used = true
	v := values{"seconds": took.Seconds(), "rebalances": float64(s.generation), "cpu_s": after.Since(before.CPU).Total()}
	return v, b.deleteTopic(ctx, k, topic)
}

func (b *Bench) stormMembers(ctx context.Context, k *broker, group string) ([]*wire.Member, error) {
	var members []*wire.Member
	for range b.Sizes.Members {
		c, err := wire.Dial(ctx, k.Addr())
		if err == nil {
			err = c.APIVersions()
		}
		if err != nil {
			closeAll(members)
			return nil, err
		}
		members = append(members, &wire.Member{Conn: c, Membership: wire.Membership{
			Group: group, Topic: group, SessionTimeout: 30_000, RebalanceTimeout: 60_000}})
	}
	return members, nil
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
// The connections are closed when it returns.
func (s *storm) run(ctx context.Context, members []*wire.Member) (time.Duration, error) {
	var running sync.WaitGroup
	start := time.Now()
	for _, m := range members {
		running.Go(func() { s.live(m) })
	}
	var took time.Duration
	var err error
	select {
	case <-s.over:
		took, err = time.Since(start), s.err
	case <-ctx.Done():
		err = fmt.Errorf("only %d of %d members are in generation %d: %w", s.in, s.members, s.generation, ctx.Err())
	}
	closeAll(members)
	running.Wait()
	return took, err
}

// live is one member, until its connection is closed.
func (s *storm) live(m *wire.Member) {
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
			s.end(fmt.Errorf("member %s in generation %d: %w", m.ID, m.Generation, err))
			return
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

// end takes the error of a member. One that comes after the storm is only the
// closed connection.
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
