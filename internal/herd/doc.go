// Package herd measures what a rebalance costs: N of Kafka's old consumers on a real ZooKeeper, and N consumers of today in one group of
// a real node, on the same number of partitions that grow at the same rate. Three things happen to each: all members come at once, one
// leaves, and one is cut off for longer than its session and comes back.
//
// The old ones are oldconsumer.Member, each with a session of its own; there is no log behind them, their partitions grow by the clock.
// The others are package consumer, on a topic with records. What they do is noted as it happens, and package measure counts both by the
// same rules; package chart draws it. All is in this process, over loopback.
package herd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/herd/measure"
)

// Options are what a run is told.
type Options struct {
	ZooKeeper []string // host:port
	Root      string   // a chroot, or ""; it must be there
	Members   []int    // how many, one run after the other; there are as many partitions
	PerSecond int64    // records, of each partition
	// Session is the session timeout of both.
	Session time.Duration
	// Settle bounds how long a herd is given to become stable, after each of the three things.
	Settle time.Duration
	Log    *slog.Logger
}

// DefaultOptions are those of Kafka 0.8 where it has them.
func DefaultOptions() Options {
	return Options{Members: []int{10, 50, 100, 200, 500}, PerSecond: 10, Session: 6 * time.Second, Settle: 10 * time.Second}
}

// commitInterval is auto.commit.interval.ms of both: that of today. Kafka 0.8 had a minute.
const commitInterval = 5 * time.Second

// The things that happen, in order.
const (
	Join  = "all join"
	Leave = "one leaves"
	Cut   = "one is cut off"
)

// Steps are the names of the things that happen.
func Steps() []string { return []string{Join, Leave, Cut} }

// The two sides.
const (
	Old         = "zookeeper"
	Coordinator = "coordinator"
)

// Result is what one thing cost one side.
type Result struct {
	Side    string `json:"side"`
	Members int    `json:"members"`
	Step    string `json:"step"`
	measure.Figures
}

// side is members of one kind.
type side interface {
	// join starts so many, and returns at once.
	join(ctx context.Context, n int) error
	// leave ends one in good order; mute and unmute cut one off from what coordinates it.
	leave(ctx context.Context, member int) error
	mute(member int)
	unmute(member int)
	// note lets what was read so far be noted.
	note()
	close()
}

// Run measures both sides, one number of members after the other, and tells each result. It ends with ctx.
func Run(ctx context.Context, o Options, tell func(Result)) error {
	for _, n := range o.Members {
		for _, begin := range []struct {
			side string
			open func(context.Context, Options, *diary) (side, error)
		}{{Old, openOld}, {Coordinator, openGroup}} {
			if err := one(ctx, o, begin.side, n, begin.open, tell); err != nil {
				return fmt.Errorf("%s with %d members: %w", begin.side, n, err)
			}
		}
	}
	return nil
}

func one(ctx context.Context, o Options, name string, n int, open func(context.Context, Options, *diary) (side, error), tell func(Result)) error {
	o.Members = []int{n}
	d := newDiary(n)
	s, err := open(ctx, o, d)
	if err != nil {
		return err
	}
	defer s.close()
	marks := []time.Duration{d.begin()}
	for _, step := range []func() error{
		func() error { return s.join(ctx, n) },
		func() error { return s.leave(ctx, n/2) },
		func() error {
			s.mute(n / 3)
			defer s.unmute(n / 3)
			return pause(ctx, o.Session*3/2)
		},
	} {
		if err := step(); err != nil {
			return err
		}
		if err := d.settle(ctx, o.Settle); err != nil {
			return err
		}
		s.note()
		marks = append(marks, d.now())
	}
	h := d.history()
	for i, step := range Steps() {
		tell(Result{Side: name, Members: n, Step: step, Figures: h.Figures(marks[i], marks[i+1])})
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
