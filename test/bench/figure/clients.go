package figure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/skein-io/skein/test/bench/native"
	"github.com/skein-io/skein/test/bench/report"
)

// What follows measures skein's consumer library beside others, all at the same broker, which is skein's. Each runs in a
// process of its own: the program of test/bench/consumers.

// libraries are the sides; the first is ours.
var libraries = []string{report.Skein, "franz-go", "sarama", "kafka-go", "confluent-kafka-go"}

func (b *Bench) poll1k(ctx context.Context) error { return b.poll(ctx, "poll1k", 1024) }

func (b *Bench) poll100(ctx context.Context) error { return b.poll(ctx, "poll100", 100) }

// poll reads a topic that is in the page cache, without a group.
func (b *Bench) poll(ctx context.Context, name string, recordBytes int) error {
	k, err := b.shared(ctx, report.Skein)
	if err != nil {
		return err
	}
	topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
	if err != nil {
		return err
	}
	if _, err := b.fill(ctx, k, topic, recordBytes, 0, b.Sizes.Poll); err != nil {
		return err
	}
	count := b.Sizes.Poll / int64(recordBytes)
	err = b.turns(ctx, name, libraries, func(ctx context.Context, side string) (values, error) {
		if err := b.touch(ctx); err != nil {
			return nil, err
		}
		var l struct {
			Records int64
			Seconds float64
			CPU     float64 `json:"client_cpu_s"`
			Allocs  float64
			Bytes   float64 `json:"alloc_bytes"`
		}
		err := b.library(ctx, &l, "laps", side, k.Addr(), topic, strconv.Itoa(partitionsOfTopic),
			strconv.FormatInt(count, 10), strconv.Itoa(b.Sizes.Laps))
		n := float64(l.Records)
		return values{
			"records_per_s": n / l.Seconds, "cpu_us": l.CPU / n * 1e6, "allocs": l.Allocs / n, "alloc_bytes": l.Bytes / n,
		}, err
	})
	if err != nil {
		return err
	}
	b.used = true
	return b.deleteTopic(ctx, k, topic)
}

// keyed compares handling by key with handling one record after the other.
func (b *Bench) keyed(ctx context.Context) error {
	k, err := b.shared(ctx, report.Skein)
	if err != nil {
		return err
	}
	return b.turns(ctx, "keyed", []string{report.Skein}, func(ctx context.Context, _ string) (values, error) {
		topic, err := b.createTopic(ctx, k, partitionsOfTopic, false)
		if err != nil {
			return nil, err
		}
		v := values{}
		if err := b.library(ctx, &v, "keyed", k.Addr(), topic, "16", strconv.Itoa(b.Sizes.Keyed)); err != nil {
			return nil, err
		}
		return v, b.deleteTopic(ctx, k, topic)
	})
}

const (
	pauseMembers    = 50
	pausePartitions = 100
)

// pause lets one more member join a group with a cooperative assignor.
func (b *Bench) pause(ctx context.Context) error {
	k, err := b.shared(ctx, report.Skein)
	if err != nil {
		return err
	}
	return b.turns(ctx, "pause", libraries[:2], func(ctx context.Context, side string) (values, error) {
		topic, err := b.createTopic(ctx, k, pausePartitions, false)
		if err != nil {
			return nil, err
		}
		v := values{}
		if err := b.library(ctx, &v, "join", side, k.Addr(), topic, strconv.Itoa(pausePartitions), strconv.Itoa(pauseMembers)); err != nil {
			return nil, err
		}
		return v, b.deleteTopic(ctx, k, topic)
	})
}

const libraryTimeMax = 10 * time.Minute

// library runs the program, which is built when it is first needed: its module needs a C compiler for one of the others.
func (b *Bench) library(ctx context.Context, result any, args ...string) error {
	program, err := filepath.Abs(filepath.Join(b.Dir, "consumers"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, ".")
		build.Dir, build.Env = filepath.Join("test", "bench", "consumers"), append(os.Environ(), "CGO_ENABLED=1")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("test/bench/consumers: %w\n%s", err, out)
		}
	}
	b.noteCommand("consumers", args)
	return native.Run(ctx, result, libraryTimeMax+time.Minute, program, append(args, deadline(libraryTimeMax))...)
}
