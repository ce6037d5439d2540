package main

import (
	"context"
	"errors"
	"time"

	"github.com/skein-io/skein/test/interop/clients/kgoside"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consume reads Count records of the given partitions without a group.
func consume(s *line.Session, r line.Request) (any, error) {
	offset := kgo.NewOffset().At(r.Offset)
	if r.ByTime {
		offset = kgo.NewOffset().AfterMilli(r.Timestamp)
	}
	from := map[int32]kgo.Offset{}
	for _, p := range r.Partitions {
		from[p] = offset
	}
	cl, err := kgoside.Client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.Topic: from}))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	for taken := 0; taken < r.Count && !s.Stopped(); {
		fetches, err := poll(cl, r.Count-taken)
		if err != nil {
			return nil, err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			taken++
			s.Emit(recordEvent(rec))
		})
	}
	return nil, nil
}

// poll waits at most 50 ms. That it waited in vain is not an error.
func poll(cl *kgo.Client, most int) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fetches := cl.PollRecords(ctx, most)
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			return nil, e.Err
		}
	}
	return fetches, nil
}
