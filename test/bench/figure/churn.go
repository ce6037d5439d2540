package figure

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/bench/report"
)

// Churn: a group of 500 default clients (rhythm) that has been stable for a
// while. One leaves; it is over when the other 499 are stable in a later
// generation. A while later one joins, on a new connection; it is over when
// all 500 are. "churn" has clients with nothing to commit. Those of
// "churn-commits" commit each 5 s on the same connection, as clients do while
// they consume; answers must leave a connection in the order of its requests,
// so a commit ends the hold of a heartbeat, and the member learns of a
// rebalance from its next one.

// churnTimeMax bounds one phase. Kafka's members learn within a heartbeat.
const churnTimeMax = 3 * time.Minute

func (b *Bench) churn(ctx context.Context) error {
	for _, variant := range []struct {
		name        string
		commitEvery time.Duration
	}{{"churn", 0}, {"churn-commits", defaultCommit}} {
		turn := 0 // shifts the moment against the heartbeats, so that repetitions do not all meet the same one
		err := b.turns(ctx, variant.name, []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
			turn++
			return b.churnOnce(ctx, side, variant.commitEvery, time.Duration(turn*7%10)*300*time.Millisecond)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) churnOnce(ctx context.Context, side string, commitEvery, phase time.Duration) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	topic, err := b.createTopic(ctx, k, 1, false)
	if err != nil {
		return nil, err
	}
	if err := k.awaitCoordinator(ctx, topic); err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	b.used = true
	v, err := b.leaveAndJoin(ctx, k, topic, commitEvery, phase)
	if err != nil {
		return nil, err
	}
	return v, b.deleteTopic(ctx, k, topic)
}

func (b *Bench) leaveAndJoin(ctx context.Context, k *broker, name string, commitEvery, phase time.Duration) (values, error) {
	ctx, cancel := context.WithTimeout(ctx, churnTimeMax)
	defer cancel()
	r := newRhythm(b.Sizes.Members, commitEvery)
	s := newStorm(ctx, k.Addr(), librdkafkaName, defaults(name, name), r.stay)
	defer s.disperse()
	if _, err := s.gather(b.Sizes.Members); err != nil {
		return nil, fmt.Errorf("before one leaves: %w", err)
	}
	if err := pause(ctx, b.Sizes.Steady+phase); err != nil {
		return nil, err
	}
	first := s.newest()
	left, err := s.change(b.Sizes.Members-1, func() { r.sendAway(ctx) })
	if err != nil {
		return nil, fmt.Errorf("one leaves: %w", err)
	}
	second := s.newest()
	if err := pause(ctx, b.Sizes.Steady+phase); err != nil {
		return nil, err
	}
	joined, err := s.gather(1)
	if err != nil {
		return nil, fmt.Errorf("one joins: %w", err)
	}
	return values{
		"leave_ms": milliseconds(left), "leave_rebalances": float64(second - first),
		"join_ms": milliseconds(joined), "join_rebalances": float64(s.newest() - second),
	}, nil
}
