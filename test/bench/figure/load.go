package figure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// Load: on a new broker 50,000 groups commit 10 partitions each, without
// members, as tools do. The broker is killed with SIGKILL and started; then it
// is ended cleanly and started. Each time it is over when all 50 partitions of
// __consumer_offsets answer OffsetFetch for two of their groups, the first and
// the last that committed, with what they committed. Memory is read at that
// moment, and again after a rest.

const (
	loadConnections     = 32
	loadPartitions      = 10 // that each group commits
	coordinatorsOfKafka = 50 // the default of offsets.topic.num.partitions
)

func (b *Bench) load(ctx context.Context) error {
	return b.repeat(ctx, b.Sizes.LoadTurns, "load", []string{report.Skein, report.Kafka}, b.loadOnce)
}

func (b *Bench) loadOnce(ctx context.Context, side string) (values, error) {
	k, err := b.open(ctx, side, "load")
	if err != nil {
		return nil, err
	}
	v, err := b.commitAndLoad(ctx, k)
	return v, errors.Join(err, k.remove())
}

func (b *Bench) commitAndLoad(ctx context.Context, k *broker) (values, error) {
	topic, err := b.createTopic(ctx, k, loadPartitions, false)
	if err != nil {
		return nil, err
	}
	if err := k.awaitCoordinator(ctx, loadGroup(0)); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := commitGroups(ctx, k, topic, b.Sizes.Load); err != nil {
		return nil, err
	}
	v := values{"fill_per_s": float64(b.Sizes.Load) / time.Since(start).Seconds()}
	asked, err := groupsToAsk(b.Sizes.Load)
	if err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name string
		end  func() error
	}{{"kill", k.Kill}, {"clean", k.Stop}} {
		if err := way.end(); err != nil {
			return nil, err
		}
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		if err := b.loadAgain(ctx, k, topic, asked, way.name, v); err != nil {
			return nil, fmt.Errorf("after %s: %w", way.name, err)
		}
	}
	return v, nil
}

// loadAgain starts the broker and adds to v what it took.
func (b *Bench) loadAgain(ctx context.Context, k *broker, topic string, asked []int, way string, v values) error {
	took, err := startUntil(ctx, k, func(ctx context.Context, k *broker) error { return k.askGroups(ctx, topic, asked) })
	if err != nil {
		return err
	}
	v[way+"_seconds"] = took.Seconds()
	for _, at := range []struct {
		name string
		rest time.Duration
	}{{"", 0}, {"_rested", b.Sizes.Idle}} {
		m, err := k.memoryAfter(ctx, at.rest)
		if err != nil {
			return err
		}
		v[way+at.name+"_anonymous_mb"], v[way+at.name+"_rss_mb"] = m["anonymous_mb"], m["rss_mb"]
	}
	return nil
}

func loadGroup(i int) string { return fmt.Sprintf("load-%d", i) }

// loadOffset is what the i-th group commits.
func loadOffset(i int) int64 { return int64(i) + 1 }

// commitGroups lets n groups commit. Several connections do it, one commit at
// a time on each.
func commitGroups(ctx context.Context, k *broker, topic string, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	failed := make([]error, loadConnections)
	for c := range loadConnections {
		running.Go(func() {
			if failed[c] = commitSome(ctx, k, topic, c, n); failed[c] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(failed...)
}

// commitSome lets each group commit whose number is first plus a multiple of
// loadConnections.
func commitSome(ctx context.Context, k *broker, topic string, first, n int) error {
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	for i := first; i < n; i += loadConnections {
		m := wire.Member{Conn: c, Membership: wire.Membership{Group: loadGroup(i), Topic: topic}, Generation: -1}
		if err := m.Commit(loadPartitions, loadOffset(i)); err != nil {
			return fmt.Errorf("group %s: %w", m.Group, err)
		}
	}
	return nil
}

// groupsToAsk are the first and the last of each coordinator partition.
func groupsToAsk(n int) ([]int, error) {
	first, last := map[int32]int{}, map[int32]int{}
	for i := range n {
		p := wire.CoordinatorPartition(loadGroup(i))
		if _, ok := first[p]; !ok {
			first[p] = i
		}
		last[p] = i
	}
	if len(first) < coordinatorsOfKafka {
		return nil, fmt.Errorf("%d groups are on %d coordinator partitions only", n, len(first))
	}
	var asked []int
	for p, i := range first {
		asked = append(asked, i, last[p])
	}
	return asked, nil
}

// askGroups is nil when each of the groups has what it committed.
func (k *broker) askGroups(ctx context.Context, topic string, asked []int) error {
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	names := make([]string, len(asked))
	for j, i := range asked {
		names[j] = loadGroup(i)
	}
	offsets, err := c.CommittedOffsets(topic, names)
	if err != nil {
		return err
	}
	for j, i := range asked {
		if len(offsets[j]) != loadPartitions {
			return fmt.Errorf("group %s has offsets of %d partitions, not %d", names[j], len(offsets[j]), loadPartitions)
		}
		for _, offset := range offsets[j] {
			if offset != loadOffset(i) {
				return fmt.Errorf("group %s has offset %d, not %d", names[j], offset, loadOffset(i))
			}
		}
	}
	return nil
}
