package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// share is a member of a group with a cooperative assignor. It runs until ctx ends, and tells the watch each record.
type share func(ctx context.Context, addr, topic, group string, member int, w *watch) error

var shares = map[string]share{"skein": shareSkein, "franz-go": shareFranz}

// Each partition gets a record each every, so that a pause shows.
const every = 20 * time.Millisecond

// pauses is what is printed, in milliseconds.
type pauses struct {
	Stay     int     `json:"partitions_that_stay"`
	Moved    int     `json:"partitions_that_move"`
	BeforeMs float64 `json:"before_ms"` // the longest time without a record of one partition, in the same time before the join
	StayMs   float64 `json:"stay_ms"`   // and of one that stays, from the join until it is over
	MoveMs   float64 `json:"move_ms"`   // and of one that moves
	SettleMs float64 `json:"settle_ms"` // from the start of the joiner to the last record that shows a new owner
}

const settled = 5 * time.Second // a group in which nothing moves for so long is stable

// join has a group of members read a topic into which records come steadily, and lets one more join.
func join(ctx context.Context, args []string) (any, error) {
	member, known := shares[args[0]]
	if !known {
		return nil, fmt.Errorf("no client %q has a cooperative group here", args[0])
	}
	n, err := numbers(args[3:5]...)
	if err != nil {
		return nil, err
	}
	partitions, members := n[0], n[1]
	addr, topic, group := args[1], args[2], "join-"+strconv.FormatInt(time.Now().UnixNano(), 10)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newWatch(partitions)
	g, ctx := errgroup.WithContext(ctx)
	start := func(i int) {
		g.Go(func() error {
			if err := member(ctx, addr, topic, group, i, w); err != nil && ctx.Err() == nil {
				return fmt.Errorf("member %d: %w", i, err)
			}
			return nil
		})
	}
	g.Go(func() error { return feed(ctx, addr, topic, partitions) })
	for i := range members {
		start(i)
	}
	var result pauses
	g.Go(func() error {
		defer cancel()
		if err := w.stable(ctx, members); err != nil {
			return err
		}
		before := time.Now()
		if err := sleep(ctx, settled); err != nil {
			return err
		}
		joined := time.Now()
		start(members)
		if err := w.stable(ctx, members+1); err != nil {
			return err
		}
		result = w.judge(before, joined)
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	if result.Stay == 0 {
		return nil, fmt.Errorf("%s: no partition stayed where it was", args[0])
	}
	return result, nil
}

// feed produces a record for each partition each every.
func feed(ctx context.Context, addr, topic string, partitions int) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer c.Close()
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		for p := range partitions {
			c.Produce(ctx, &kgo.Record{Partition: int32(p), Value: []byte("x")}, nil)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// arrival is a record, when it was delivered and to whom.
type arrival struct {
	at     time.Time
	member int
}

// watch notes who gets what, and when. Safe for concurrent use.
type watch struct {
	mu     sync.Mutex
	parts  [][]arrival
	change time.Time // when a partition was last seen at another member
}

func newWatch(partitions int) *watch {
	return &watch{parts: make([][]arrival, partitions), change: time.Now()}
}

func (w *watch) saw(partition int32, member int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	p := &w.parts[partition]
	if n := len(*p); n == 0 || (*p)[n-1].member != member {
		w.change = now
	}
	*p = append(*p, arrival{now, member})
}

// stable waits until so many members have had records, and no partition has gone to another for a while.
func (w *watch) stable(ctx context.Context, members int) error {
	for {
		w.mu.Lock()
		owners := map[int]bool{}
		for _, p := range w.parts {
			if len(p) > 0 {
				owners[p[len(p)-1].member] = true
			}
		}
		done := len(owners) == members && time.Since(w.change) > settled
		w.mu.Unlock()
		if done {
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d members have records: %w", len(owners), members, err)
		}
	}
}

func (w *watch) judge(before, joined time.Time) pauses {
	w.mu.Lock()
	defer w.mu.Unlock()
	var r pauses
	for _, p := range w.parts {
		at, _ := slices.BinarySearchFunc(p, joined, func(a arrival, t time.Time) int { return a.at.Compare(t) })
		if at == 0 {
			continue
		}
		r.BeforeMs = max(r.BeforeMs, longest(p[:at], before))
		pause := longest(p[at-1:], joined)
		if owner := p[at-1].member; slices.ContainsFunc(p[at:], func(a arrival) bool { return a.member != owner }) {
			r.Moved++
			r.MoveMs = max(r.MoveMs, pause)
		} else {
			r.Stay++
			r.StayMs = max(r.StayMs, pause)
		}
	}
	r.SettleMs = float64(w.change.Sub(joined).Microseconds()) / 1e3
	return r
}

// longest is the longest time between two records since a moment, in milliseconds.
func longest(all []arrival, since time.Time) float64 {
	var most time.Duration
	for i := 1; i < len(all); i++ {
		if all[i].at.After(since) {
			most = max(most, all[i].at.Sub(all[i-1].at))
		}
	}
	return float64(most.Microseconds()) / 1e3
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
