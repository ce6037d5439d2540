package figure

import (
	"context"
	"fmt"
	"strconv"

	"github.com/skein-io/skein/test/bench/report"
)

// Consume: a topic of 6 partitions that is in the page cache, src/consume.c of
// package native.

func (b *Bench) consume1k(ctx context.Context) error { return b.consume(ctx, "consume1k", 1024) }

func (b *Bench) consume100(ctx context.Context) error { return b.consume(ctx, "consume100", 100) }

func (b *Bench) consume(ctx context.Context, name string, recordBytes int) error {
	topics, count := map[string]string{}, b.Sizes.Consume/int64(recordBytes)
	for _, side := range []string{report.Skein, report.Kafka} {
		k, err := b.shared(ctx, side)
		if err != nil {
			return err
		}
		if topics[side], err = b.createTopic(ctx, k, partitionsOfTopic, false); err != nil {
			return err
		}
		if _, err := b.fill(ctx, k, topics[side], recordBytes, 0, b.Sizes.Consume); err != nil {
			return fmt.Errorf("filling %s: %w", side, err)
		}
		if _, err := b.lap(ctx, k, topics[side], count); err != nil { // the JVM warms up
			return err
		}
	}
	err := b.turns(ctx, name, []string{report.Floor, report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		if isFloor(side) {
			return b.floorOnce(ctx, "out", 0)
		}
		return b.consumeOnce(ctx, side, topics[side], recordBytes, count)
	})
	if err != nil {
		return err
	}
	for side, topic := range topics {
		if err := b.deleteTopic(ctx, b.brokers[side], topic); err != nil {
			return err
		}
	}
	b.used = true
	return nil
}

// consumeOnce reads the topic once uncounted, so that all of it is in the page
// cache whatever touching the memory has driven out, and then counts laps.
func (b *Bench) consumeOnce(ctx context.Context, side, topic string, recordBytes int, count int64) (values, error) {
	k, err := b.shared(ctx, side)
	if err != nil {
		return nil, err
	}
	if err := b.touch(ctx); err != nil {
		return nil, err
	}
	if _, err := b.lap(ctx, k, topic, count); err != nil {
		return nil, err
	}
	before, err := k.cpu()
	if err != nil {
		return nil, err
	}
	var seconds, clientCPU float64
	for range b.Sizes.Laps {
		c, err := b.lap(ctx, k, topic, count)
		if err != nil {
			return nil, err
		}
		seconds, clientCPU = seconds+c.Seconds, clientCPU+c.ClientCPU
	}
	amount := int64(b.Sizes.Laps) * count * int64(recordBytes)
	v := values{"mb_per_s": float64(amount) / 1e6 / seconds, "client_cpu_s_per_gib": clientCPU / float64(amount) * float64(gib)}
	return v, k.spent(before, amount, v)
}

// lap consumes the topic once.
func (b *Bench) lap(ctx context.Context, k *broker, topic string, count int64) (produced, error) {
	var c produced
	err := b.client(ctx, &c, "consume", k.Addr(), topic, strconv.Itoa(partitionsOfTopic), strconv.FormatInt(count, 10), deadline(clientTimeMax))
	if err == nil && c.Records != count {
		err = fmt.Errorf("%d records consumed of %d", c.Records, count)
	}
	return c, err
}
