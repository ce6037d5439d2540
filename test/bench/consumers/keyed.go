package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
)

// handled is how long the handler of a record takes.
const handled = time.Millisecond

// keyedTimes is what is printed.
type keyedTimes struct {
	SerialPerS float64 `json:"serial_per_s"`
	KeyedPerS  float64 `json:"keyed_per_s"`
	Ratio      float64 `json:"ratio"`
}

// keyed fills a topic with records of so many keys, and reads it: with one worker, then by key. The order of each key is
// checked.
func keyed(ctx context.Context, args []string) (any, error) {
	n, err := numbers(args[2:4]...)
	if err != nil {
		return nil, err
	}
	keys, records := n[0], n[1]
	if err := fill(ctx, args[0], args[1], keys, records); err != nil {
		return nil, fmt.Errorf("filling the topic: %w", err)
	}
	serial, err := handle(ctx, args[0], args[1], records/keys, consumer.Workers(1))
	if err != nil {
		return nil, fmt.Errorf("one worker: %w", err)
	}
	byKey, err := handle(ctx, args[0], args[1], records, consumer.Workers(keys), consumer.PerKey())
	if err != nil {
		return nil, fmt.Errorf("by key: %w", err)
	}
	return keyedTimes{SerialPerS: serial, KeyedPerS: byKey, Ratio: byKey / serial}, nil
}

func fill(ctx context.Context, addr, topic string, keys, records int) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range records {
		c.Produce(ctx, kgo.KeyStringRecord(fmt.Sprintf("key-%d", i%keys), "value"), func(_ *kgo.Record, failed error) { err = cmp.Or(err, failed) })
	}
	return cmp.Or(c.Flush(ctx), err)
}

// handle returns how many records a second were handled, of the first ones, in a group of its own.
func handle(ctx context.Context, addr, topic string, records int, options ...consumer.Option) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	last := map[string]int64{}
	var wrong error
	done := 0
	var began, ended time.Time
	handler := func(_ context.Context, r consumer.Record) error {
		mu.Lock()
		if began.IsZero() {
			began = time.Now()
		}
		mu.Unlock()
		time.Sleep(handled)
		mu.Lock()
		defer mu.Unlock()
		at := fmt.Sprintf("%s on partition %d", r.Key, r.Partition)
		if before, seen := last[at]; seen && before >= r.Offset && wrong == nil {
			wrong = fmt.Errorf("key %s: offset %d after %d", at, r.Offset, before)
		}
		last[at] = r.Offset
		if done++; done == records {
			ended = time.Now()
			cancel()
		}
		return nil
	}
	err := consumer.Run(ctx, handler, append([]consumer.Option{
		consumer.Brokers(addr), consumer.Group(fmt.Sprintf("keyed-%d", time.Now().UnixNano())), consumer.Topics(topic),
		consumer.ResetTo(consumer.Earliest),
	}, options...)...)
	if wrong != nil {
		return 0, wrong
	}
	if ended.IsZero() {
		return 0, fmt.Errorf("%d records of %d: %w", done, records, err)
	}
	return float64(records-1) / ended.Sub(began).Seconds(), nil
}
