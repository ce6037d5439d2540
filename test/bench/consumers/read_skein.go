package main

import (
	"context"

	"github.com/skein-io/skein/consumer"
)

func readSkein(ctx context.Context, addr, topic string, partitions int, t *tally) error {
	c, err := consumer.New(ctx, consumer.Brokers(addr), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var all []consumer.TopicPartition
	for p := range partitions {
		all = append(all, consumer.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	if err := c.Assign(all...); err != nil {
		return err
	}
	used := 0
	for more := true; more; {
		records, err := c.Poll(ctx)
		if err != nil {
			return err
		}
		for r := range records.All() {
			used += len(r.Value)
		}
		more = t.add(records.Len())
	}
	t.used.Add(int64(used))
	return nil
}
