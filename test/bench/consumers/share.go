package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

func shareSkein(ctx context.Context, addr, topic, group string, member int, w *watch) error {
	c, err := consumer.New(ctx, consumer.Brokers(addr), consumer.Group(group), consumer.Assignors(assign.CooperativeSticky()))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := c.Subscribe(topic); err != nil {
		return err
	}
	for {
		records, err := c.Poll(ctx)
		if err != nil {
			return err
		}
		for r := range records.All() {
			w.saw(r.Partition, member)
		}
	}
}

func shareFranz(ctx context.Context, addr, topic, group string, member int, w *watch) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(kgo.CooperativeStickyBalancer()))
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) { w.saw(r.Partition, member) })
	}
	return ctx.Err()
}
