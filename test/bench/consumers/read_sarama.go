package main

import (
	"context"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

func readSarama(ctx context.Context, addr, topic string, partitions int, t *tally) error {
	c, err := sarama.NewConsumer([]string{addr}, sarama.NewConfig())
	if err != nil {
		return err
	}
	defer c.Close()
	g, ctx := errgroup.WithContext(ctx)
	for p := range partitions {
		pc, err := c.ConsumePartition(topic, int32(p), sarama.OffsetOldest)
		if err != nil {
			return err
		}
		g.Go(func() error {
			defer pc.Close()
			used := 0
			defer func() { t.used.Add(int64(used)) }()
			for {
				select {
				case m := <-pc.Messages():
					used += len(m.Value)
					t.add(1)
				case <-t.full:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	return g.Wait()
}
