package figure

import (
	"context"
	"fmt"
	"time"

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
	s := newStorm(ctx, k.Addr(), "bench", wire.Membership{
		Group: group, Topic: "any", SessionTimeout: 30_000, RebalanceTimeout: 60_000, JoinVersion: version}, beat)
	took, err := s.gather(b.Sizes.Members)
	s.disperse()
	if err != nil {
		return nil, err
	}
	after, err := k.cpu()
	if err != nil {
		return nil, err
	}
	b.used = true
	return values{"seconds": took.Seconds(), "rebalances": float64(s.newest()), "cpu_s": after.Since(before.CPU).Total()}, nil
}

// beat sends heartbeats until one is answered with an error.
func beat(_ int, m *wire.Member) error {
	for sent := time.Now(); ; {
		time.Sleep(time.Until(sent.Add(heartbeatEvery)))
		sent = time.Now()
		if err := m.Heartbeat(); err != nil {
			return err
		}
	}
}
