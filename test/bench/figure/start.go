package figure

import (
	"context"
	"errors"
	"time"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
)

// start: from the start of the process on an empty folder until ApiVersions
// is answered.
func (b *Bench) start(ctx context.Context) error {
	return b.turns(ctx, "start", []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		k, err := b.prepare(side, "start")
		if err != nil {
			return nil, err
		}
		took, err := startUntil(ctx, k, apiVersions)
		return values{"ms": milliseconds(took)}, errors.Join(err, k.remove())
	})
}

// idle: memory of a new broker that nobody has asked for anything.
func (b *Bench) idle(ctx context.Context) error {
	return b.turns(ctx, "idle", []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		k, err := b.open(ctx, side, "idle")
		if err != nil {
			return nil, err
		}
		v, err := k.memoryAfter(ctx, b.Sizes.Idle)
		return v, errors.Join(err, k.remove())
	})
}

// after: memory of the brokers that did all of the run's work, at once and
// without a rest.
func (b *Bench) after(ctx context.Context) error {
	if !b.used {
		b.Log("  nothing has run before: not measured")
		return nil
	}
	return b.repeat(ctx, 1, "after", []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		k, err := b.shared(ctx, side)
		if err != nil {
			return nil, err
		}
		return k.memoryAfter(ctx, 0)
	})
}

// memoryAfter waits and reads the broker's memory.
func (k *broker) memoryAfter(ctx context.Context, wait time.Duration) (values, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	m, err := machine.ReadMemory(k.PID())
	return values{"anonymous_mb": float64(m.Anonymous) / 1e6, "rss_mb": float64(m.RSS) / 1e6}, err
}
