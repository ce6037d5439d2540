package figure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/test/bench/report"
)

// Partitions: memory of a new broker with many partitions, each of which holds
// one record.

const partitionsEach = 100 // of a topic

func (b *Bench) partitions(ctx context.Context) error {
	return b.repeat(ctx, 1, "partitions", []string{report.Skein, report.Kafka}, b.partitionsOnce)
}

func (b *Bench) partitionsOnce(ctx context.Context, side string) (values, error) {
	k, err := b.open(ctx, side, "partitions")
	if err != nil {
		return nil, err
	}
	v, err := b.manyPartitions(ctx, k)
	return v, errors.Join(err, k.remove())
}

func (b *Bench) manyPartitions(ctx context.Context, k *broker) (values, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	started := time.Now()
	var records []*kgo.Record
	for range b.Sizes.Partitions / partitionsEach {
		topic, err := b.createTopic(ctx, k, partitionsEach, false)
		if err != nil {
			return nil, err
		}
		for p := range int32(partitionsEach) {
			records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: []byte("one record")})
		}
	}
	created := time.Since(started)
	if err := produceRecords(ctx, k, records); err != nil {
		return nil, err
	}
	v, err := k.memoryAfter(ctx, b.Sizes.Idle)
	if err == nil {
		v["create_seconds"] = created.Seconds()
	}
	return v, err
}

func produceRecords(ctx context.Context, k *broker, records []*kgo.Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("one record for each partition: %w", err)
	}
	return nil
}
