package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

func readFranz(ctx context.Context, addr, topic string, partitions int, t *tally) error {
	from := map[int32]kgo.Offset{}
	for p := range partitions {
		from[int32(p)] = kgo.NewOffset().AtStart()
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return err
	}
	defer c.Close()
	used := 0
	for more := true; more; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) { used += len(r.Value) })
		more = t.add(fetches.NumRecords())
	}
	t.used.Add(int64(used))
	return nil
}
