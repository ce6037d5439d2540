package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/skein-io/skein/test/interop/line"
)

// consume reads Count records of the given partitions without a group: one
// reader a partition, as the library has it.
func consume(s *line.Session, r line.Request) (any, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	all, failed := make(chan kafka.Message), make(chan error, len(r.Partitions))
	for _, p := range r.Partitions {
		go func() {
			if err := follow(ctx, r, int(p), all); err != nil && ctx.Err() == nil {
				failed <- err
			}
		}()
	}
	for taken := 0; taken < r.Count && !s.Stopped(); {
		select {
		case m := <-all:
			taken++
			s.Emit(recordEvent(m))
		case err := <-failed:
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, nil
}

// follow hands one partition's records on until the context ends.
func follow(ctx context.Context, r line.Request, partition int, all chan<- kafka.Message) error {
	config := readerConfig(r.Topic)
	config.Partition = partition
	reader := kafka.NewReader(config)
	defer func() { _ = reader.Close() }()
	if err := place(ctx, reader, r); err != nil {
		return err
	}
	return pass(ctx, reader, all)
}

func place(ctx context.Context, reader *kafka.Reader, r line.Request) error {
	if r.ByTime {
		return reader.SetOffsetAt(ctx, time.UnixMilli(r.Timestamp))
	}
	return reader.SetOffset(r.Offset)
}

func pass(ctx context.Context, reader *kafka.Reader, all chan<- kafka.Message) error {
	for {
		m, err := reader.ReadMessage(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case all <- m:
		case <-ctx.Done():
			return nil
		}
	}
}
