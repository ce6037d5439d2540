package figure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
)

// Commits: 16 connections, each with the one member of a group of its own, on
// 16 different coordinator partitions. Each sends an OffsetCommit of 10
// partitions and waits for its answer before it sends the next.

const (
	commitConnections = 16
	commitPartitions  = 10
	sessionMillis     = 60_000
)

func (b *Bench) commits(ctx context.Context) error {
	for _, side := range slices.Repeat([]string{report.Skein, report.Kafka}, 2) { // uncounted
		if _, err := b.commitsOnce(ctx, side); err != nil {
			return fmt.Errorf("warming %s up: %w", side, err)
		}
	}
	sides := []string{report.Floor, report.Skein, report.Kafka, report.KafkaFlush}
	return b.turns(ctx, "commits", sides, func(ctx context.Context, side string) (values, error) {
		if side == report.Floor {
			return b.commitsFloor(ctx)
		}
		return b.commitsOnce(ctx, side)
	})
}

// flushOffsets makes the broker sync __consumer_offsets after each append, or no longer.
func (k *broker) flushOffsets(ctx context.Context, flushed bool) error {
	one := "1"
	change := kadm.AlterConfig{Name: "flush.messages", Op: kadm.DeleteConfig}
	if flushed {
		change = kadm.AlterConfig{Name: "flush.messages", Op: kadm.SetConfig, Value: &one}
	}
	answers, err := k.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, "__consumer_offsets")
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	return err
}

func (b *Bench) commitsOnce(ctx context.Context, side string) (_ values, failed error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	topic, err := b.createTopic(ctx, k, commitPartitions, false)
	if err != nil {
		return nil, err
	}
	members, err := b.committers(ctx, k, topic)
	if err != nil {
		return nil, err
	}
	defer closeAll(members)
	if side == report.KafkaFlush {
		if err := k.flushOffsets(ctx, true); err != nil {
			return nil, err
		}
		defer func() { failed = errors.Join(failed, k.flushOffsets(ctx, false)) }()
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	own, err := machine.ReadOwnCPU()
	if err != nil {
		return nil, err
	}
	took, err := commitAll(members, b.Sizes.Commits)
	if err != nil {
		return nil, err
	}
	ownAfter, err := machine.ReadOwnCPU()
	if err != nil {
		return nil, err
	}
	after, err := k.cpu()
	if err != nil {
		return nil, err
	}
	b.used = true
	v := commitValues(took, b.Sizes.Commits)
	v["cpu_us_per_commit"] = after.Since(before.CPU).Total() / float64(len(took)) * 1e6
	v["client_cpu_us_per_commit"] = ownAfter.Since(own).Total() / float64(len(took)) * 1e6
	return v, errors.Join(leaveAll(members), b.deleteTopic(ctx, k, topic))
}

func commitValues(took []time.Duration, in time.Duration) values {
	slices.Sort(took)
	return values{
		"per_s":  float64(len(took)) / in.Seconds(),
		"p50_ms": milliseconds(took[len(took)/2]),
		"p99_ms": milliseconds(took[len(took)*99/100]),
		"max_ms": milliseconds(took[len(took)-1]),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// committers joins one member to each group.
func (b *Bench) committers(ctx context.Context, k *broker, topic string) ([]*wire.Member, error) {
	var members []*wire.Member
	for _, group := range wire.GroupsApart(topic, commitConnections) {
		m, err := k.join(ctx, wire.Membership{Group: group, Topic: topic, SessionTimeout: sessionMillis, RebalanceTimeout: sessionMillis})
		if err != nil {
			closeAll(members)
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// join makes a member alone in its group.
func (k *broker) join(ctx context.Context, in wire.Membership) (*wire.Member, error) {
	if err := k.awaitCoordinator(ctx, in.Group); err != nil {
		return nil, err
	}
	c, err := wire.Dial(ctx, k.Addr())
	if err != nil {
		return nil, err
	}
	m := &wire.Member{Conn: c, Membership: in}
	all, err := m.Join()
	if err == nil {
		err = m.Sync(all)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// awaitCoordinator returns when the group's coordinator answers.
func (k *broker) awaitCoordinator(ctx context.Context, group string) error {
	return wire.Await(ctx, 30*time.Second, 50*time.Millisecond, func(ctx context.Context) error {
		c, err := wire.Dial(ctx, k.Addr())
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.FindCoordinator(group); err != nil {
			return err
		}
		_, _, err = c.DescribeGroup(group)
		return err
	})
}

// commitAll lets every member commit until the time is over, and returns how
// long each commit took.
func commitAll(members []*wire.Member, during time.Duration) ([]time.Duration, error) {
	type part struct {
		took []time.Duration
		err  error
	}
	parts := make(chan part, len(members))
	until := time.Now().Add(during)
	for _, m := range members {
		go func() {
			p := part{took: make([]time.Duration, 0, 1<<16)}
			commit, err := m.Recommit(commitPartitions)
			p.err = err
			for offset, start := int64(1), time.Now(); p.err == nil && start.Before(until); offset++ {
				p.err = commit.Commit(offset)
				end := time.Now()
				p.took = append(p.took, end.Sub(start))
				start = end
			}
			parts <- p
		}()
	}
	var all []time.Duration
	var err error
	for range members {
		p := <-parts
		all, err = append(all, p.took...), errors.Join(err, p.err)
	}
	if err == nil && len(all) == 0 {
		err = errors.New("no commit was answered")
	}
	return all, err
}

func closeAll(members []*wire.Member) {
	for _, m := range members {
		m.Close()
	}
}

func leaveAll(members []*wire.Member) error {
	var err error
	for _, m := range members {
		err = errors.Join(err, m.Leave())
	}
	return err
}
