package main

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

func readKafkaGo(ctx context.Context, addr, topic string, partitions int, t *tally) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.full:
			cancel()
		case <-inner.Done():
		}
	}()
	var g errgroup.Group
	for p := range partitions {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, Partition: p})
		g.Go(func() error {
			defer r.Close()
			used := 0
			defer func() { t.used.Add(int64(used)) }()
			for {
				m, err := r.ReadMessage(inner)
				if errors.Is(err, context.Canceled) && ctx.Err() == nil {
					return nil
				}
				if err != nil {
					return err
				}
				used += len(m.Value)
				t.add(1)
			}
		})
	}
	return g.Wait()
}
