package figure

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
)

// Crowd: 10,000 default clients (rhythm) join one group of a new broker, each
// on a connection of its own, for a JoinGroup that is not answered yet blocks
// its connection. It is over when all have their assignment in the same
// generation. Then they stay for a while.
//
// Only skein is asked. A classic group's state is one record, and with 10,000
// members it is larger than the 1 MiB that Kafka's defaults allow for a record
// of __consumer_offsets, so there the leader's SyncGroup is answered with
// UNKNOWN_SERVER_ERROR.

const (
	crowdTimeMax = 5 * time.Minute

	// descriptorsBeside are needed by either process for other things.
	descriptorsBeside = 500
)

func (b *Bench) crowd(ctx context.Context) error {
	return b.turns(ctx, "crowd", []string{report.Skein}, b.crowdOnce)
}

func (b *Bench) crowdOnce(ctx context.Context, side string) (values, error) {
	if err := descriptorsFor(b.Sizes.Crowd); err != nil {
		return nil, err
	}
	k, err := b.open(ctx, side, "crowd")
	if err != nil {
		return nil, err
	}
	v, err := b.gatherCrowd(ctx, k)
	return v, errors.Join(err, k.remove())
}

// descriptorsFor is an error if the limit on open files is too low for n
// connections. Go's runtime has raised the soft limit to the hard one, here
// and in skein, which lets connections have three quarters of it.
func descriptorsFor(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if need := uint64(n+descriptorsBeside) * 4 / 3; limit.Cur < need {
		return fmt.Errorf("%d connections need a limit of %d open files, and it is %d: raise it with ulimit -Hn %d", n, need, limit.Cur, need)
	}
	return nil
}

func (b *Bench) gatherCrowd(ctx context.Context, k *broker) (values, error) {
	ctx, cancel := context.WithTimeout(ctx, crowdTimeMax)
	defer cancel()
	name := b.newName()
	if err := k.awaitCoordinator(ctx, name); err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	s := newStorm(ctx, k.Addr(), librdkafkaName, defaults(name, "any"), newRhythm(b.Sizes.Crowd, 0).stay)
	defer s.disperse()
	v := values{}
	var took time.Duration
	err := k.cores(v, "cores", func() (err error) {
		took, err = s.gather(b.Sizes.Crowd)
		return err
	})
	if err != nil {
		return nil, err
	}
	v["seconds"], v["rebalances"] = took.Seconds(), float64(s.newest())
	if err := k.cores(v, "steady_cores", func() error { return pause(ctx, b.Sizes.Steady) }); err != nil {
		return nil, err
	}
	m, err := machine.ReadMemory(k.PID())
	if err != nil {
		return nil, err
	}
	peak, err := machine.ReadPeak(k.PID())
	v["rss_mb"], v["anonymous_mb"], v["peak_rss_mb"] = float64(m.RSS)/1e6, float64(m.Anonymous)/1e6, float64(peak)/1e6
	if err == nil && s.failure() != nil {
		err = fmt.Errorf("after all were stable: %w", s.failure())
	}
	return v, err
}

// cores adds to v how many cores the broker used while something was done.
func (k *broker) cores(v values, name string, do func() error) error {
	before, err := k.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := time.Since(start)
	after, err := k.cpu()
	v[name] = after.Since(before.CPU).Total() / took.Seconds()
	return err
}
