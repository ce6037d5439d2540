package main

import (
	"context"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func readConfluent(ctx context.Context, addr, topic string, partitions int, t *tally) error {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": addr, "group.id": "none", "enable.auto.commit": false, "auto.offset.reset": "earliest",
	})
	if err != nil {
		return err
	}
	defer c.Close()
	var all []kafka.TopicPartition
	for p := range partitions {
		all = append(all, kafka.TopicPartition{Topic: &topic, Partition: int32(p), Offset: kafka.OffsetBeginning})
	}
	if err := c.Assign(all); err != nil {
		return err
	}
	used := 0
	for more := true; more && ctx.Err() == nil; {
		switch e := c.Poll(100).(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				return e.TopicPartition.Error
			}
			used += len(e.Value)
			more = t.add(1)
		case kafka.Error:
			if e.IsFatal() {
				return e
			}
		}
	}
	t.used.Add(int64(used))
	return ctx.Err()
}
