package figure

import (
	"context"
	"time"

	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// answerTimeMax bounds a start.
const answerTimeMax = 2 * time.Minute

// startUntil starts a broker and returns how long it took until try first
// succeeded. Kafka's own formatting of a new folder, another program, is not
// counted.
func startUntil(ctx context.Context, k *broker, try func(context.Context, *broker) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeMax)
	defer cancel()
	type answer struct {
		took time.Duration
		err  error
	}
	answered := make(chan answer, 1)
	started := time.Now()
	go func() {
		for k.side == report.Kafka && k.PID() == 0 && ctx.Err() == nil { // formatting
			time.Sleep(200 * time.Microsecond)
			started = time.Now()
		}
		err := wire.Await(ctx, answerTimeMax, time.Millisecond, func(ctx context.Context) error { return try(ctx, k) })
		answered <- answer{time.Since(started), err}
	}()
	if err := k.Start(ctx); err != nil {
		return 0, err
	}
	a := <-answered
	return a.took, a.err
}

// apiVersions is the first request of most clients.
func apiVersions(ctx context.Context, k *broker) error {
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.APIVersions()
}
