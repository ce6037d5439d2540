package figure

import (
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/test/bench/report"
)

// Restart: a new broker is filled, killed at once with SIGKILL, and started
// again. It is over when the end offsets of all partitions are answered, and
// they must be those before the kill.

func (b *Bench) restart(ctx context.Context) error {
	return b.repeat(ctx, b.Sizes.RestartTurns, "restart", []string{report.Skein, report.Kafka}, b.restartOnce)
}

func (b *Bench) restartOnce(ctx context.Context, side string) (values, error) {
	k, err := b.open(ctx, side, "restart")
	if err != nil {
		return nil, err
	}
	v, err := b.killAndStart(ctx, k)
	return v, errors.Join(err, k.remove())
}

func (b *Bench) killAndStart(ctx context.Context, k *broker) (values, error) {
	topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
	if err != nil {
		return nil, err
	}
	filled, err := b.fill(ctx, k, topic, 1024, 0, b.Sizes.Restart)
	if err != nil {
		return nil, err
	}
	before, err := k.endOffsets(ctx, topic, partitionsOfTopic)
	if err != nil {
		return nil, err
	}
	if err := k.Kill(); err != nil {
		return nil, err
	}
	var after int64
	took, err := startUntil(ctx, k, func(ctx context.Context, k *broker) (err error) {
		after, err = k.endOffsets(ctx, topic, partitionsOfTopic)
		return err
	})
	if err == nil && after != before {
		err = fmt.Errorf("%d records after the restart, %d before it", after, before)
	}
	return values{"seconds": took.Seconds(), "fill_mb_per_s": filled["mb_per_s"]}, err
}
