package figure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/skein-io/skein/test/bench/report"
)

// Latency: 1,000 records/s of 100 bytes to 6 partitions with linger.ms=0, from
// the time a record was due until the consumer has it; src/latency.c of
// package native. The first second is not counted. The floor is src/ping.c.

const (
	latencyRate  = 1000
	latencyBytes = 100
)

func (b *Bench) latency(ctx context.Context) error {
	sides := []string{report.Skein, report.Kafka}
	for _, side := range sides {
		if _, err := b.latencyOnce(ctx, side, b.Sizes.Latency/2); err != nil {
			return fmt.Errorf("warming %s up: %w", side, err)
		}
	}
	return b.turns(ctx, "latency", append([]string{report.Floor}, sides...), func(ctx context.Context, side string) (values, error) {
		if side == report.Floor {
			return b.latencyFloor(ctx)
		}
		return b.latencyOnce(ctx, side, b.Sizes.Latency)
	})
}

// latencies is what latency.c and ping.c print.
type latencies struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
}

func (l *latencies) values() values {
	return values{"p50_ms": l.P50, "p99_ms": l.P99, "p999_ms": l.P999, "max_ms": l.Max}
}

// latencyCount is how many records there are with those of the first second.
func latencyCount(duration time.Duration) int {
	return latencyRate + int(duration.Seconds()*latencyRate)
}

// latencyFloor is src/ping.c: a socket, a file, a sync and a socket.
func (b *Bench) latencyFloor(ctx context.Context) (values, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	file := filepath.Join(b.Dir, "ping")
	defer os.Remove(file)
	var l latencies
	err := b.client(ctx, &l, "ping", file, strconv.Itoa(latencyBytes), strconv.Itoa(latencyRate),
		strconv.Itoa(latencyCount(b.Sizes.Latency)), strconv.Itoa(latencyRate), deadline(clientTimeMax))
	return l.values(), err
}

func (b *Bench) latencyOnce(ctx context.Context, side string, duration time.Duration) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
	if err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	var l latencies
	count := latencyCount(duration)
	err = b.client(ctx, &l, "latency", k.Addr(), topic, strconv.Itoa(partitionsOfTopic), strconv.Itoa(latencyBytes),
		strconv.Itoa(latencyRate), strconv.Itoa(count), strconv.Itoa(latencyRate), deadline(clientTimeMax))
	if err != nil {
		return nil, err
	}
	after, err := k.cpu()
	if err != nil {
		return nil, err
	}
	b.used = true
	v := l.values()
	v["cpu_us_per_record"] = after.Since(before.CPU).Total() / float64(count) * 1e6
	return v, b.deleteTopic(ctx, k, topic)
}
