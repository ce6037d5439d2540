package figure

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// clusterProduce is produce1k on a cluster: the same client, the processor time
// of all three nodes.
func (b *Bench) clusterProduce(ctx context.Context) error {
	return b.eachCrew(ctx, "cluster-produce", b.Repetitions, func(ctx context.Context, c *crew) (values, error) {
		if _, err := b.fillCrew(ctx, c, b.Sizes.Warm/4); err != nil {
			return nil, fmt.Errorf("warming up: %w", err)
		}
		return b.fillCrew(ctx, c, b.Sizes.Produce/2)
	})
}

// fillCrew fills a new topic and deletes it.
func (b *Bench) fillCrew(ctx context.Context, c *crew, bytes int64) (values, error) {
	topic, err := b.replicated(ctx, c, partitionsOfTopic)
	if err != nil {
		return nil, err
	}
	if err := b.touch(ctx); err != nil {
		return nil, err
	}
	count := bytes / 1024
	before, err := c.cpu()
	if err != nil {
		return nil, err
	}
	var p produced
	err = b.client(ctx, &p, "produce", c.Addr(), topic, strconv.Itoa(partitionsOfTopic), "1024",
		strconv.FormatInt(count, 10), "0", deadline(clientTimeMax))
	if err != nil {
		return nil, err
	}
	if err := c.awaitEnd(ctx, topic, count); err != nil {
		return nil, err
	}
	after, err := c.cpu()
	if err != nil {
		return nil, err
	}
	m, err := c.memory()
	if err != nil {
		return nil, err
	}
	if _, err := c.admin.DeleteTopics(ctx, topic); err != nil {
		return nil, err
	}
	amount := float64(count * 1024)
	return values{"mb_per_s": amount / 1e6 / p.Seconds, "cpu_s_per_gib": (after - before) / amount * float64(gib),
		"rss_mb": float64(m.RSS) / 1e6, "anonymous_mb": float64(m.Anonymous) / 1e6}, nil
}

// awaitEnd returns when a topic holds all its records and all its replicas
// hold them.
func (c *crew) awaitEnd(ctx context.Context, topic string, count int64) error {
	ends, err := c.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if total != count {
		return fmt.Errorf("%s holds %d records of the %d that were acknowledged", topic, total, count)
	}
	return c.awaitISR(ctx, topic, partitionsOfTopic)
}

// clusterLatency is latency on a cluster.
func (b *Bench) clusterLatency(ctx context.Context) error {
	return b.eachCrew(ctx, "cluster-latency", b.Repetitions, func(ctx context.Context, c *crew) (values, error) {
		if _, err := b.latencyOfCrew(ctx, c, b.Sizes.Latency/2); err != nil {
			return nil, fmt.Errorf("warming up: %w", err)
		}
		return b.latencyOfCrew(ctx, c, b.Sizes.Latency)
	})
}

func (b *Bench) latencyOfCrew(ctx context.Context, c *crew, duration time.Duration) (values, error) {
	topic, err := b.replicated(ctx, c, partitionsOfTopic)
	if err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	var l latencies
	err = b.client(ctx, &l, "latency", c.Addr(), topic, strconv.Itoa(partitionsOfTopic), strconv.Itoa(latencyBytes),
		strconv.Itoa(latencyRate), strconv.Itoa(latencyCount(duration)), strconv.Itoa(latencyRate), deadline(clientTimeMax))
	return l.values(), err
}
