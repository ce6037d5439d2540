package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/skein-io/skein/test/interop/line"
)

var codecs = map[string]kafka.Compression{
	"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

// produce writes in chunks; the library keeps the order within a partition.
// It has no idempotent producer.
func produce(s *line.Session, r line.Request) (any, error) {
	if r.Idempotent {
		return nil, line.ErrUnsupported
	}
	var mu sync.Mutex
	var failed error
	w := &kafka.Writer{Addr: kafka.TCP(broker), Topic: r.Topic, Balancer: kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll,
		Compression: codecs[r.Codec], BatchTimeout: 5 * time.Millisecond, MaxAttempts: 600, WriteBackoffMax: 200 * time.Millisecond, Async: true,
		Transport: &kafka.Transport{}} // the default one remembers that a topic did not exist
	w.Completion = func(messages []kafka.Message, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil && failed == nil {
			failed = err
		}
		for _, m := range messages {
			if err == nil {
				s.Emit(line.Event{E: line.Ack, I: m.WriterData.(int), P: int32(m.Partition), O: m.Offset})
			}
		}
	}
	pace := line.NewPace(r.Rate)
	for i := r.Start; i < r.Start+r.Count && !s.Stopped(); i++ {
		pace.Wait()
		if err := w.WriteMessages(context.Background(), message(r, i)); err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
	}
	err := w.Close() // waits for every Completion
	if failed != nil {
		return nil, failed
	}
	return nil, err
}

func message(r line.Request, i int) kafka.Message {
	m := kafka.Message{Key: []byte(line.Key(r.Tag, i, r.Keys)), Value: []byte(line.Value(r.Tag, i, r.Size)), WriterData: i}
	for _, h := range line.Headers(r.Tag, i) {
		m.Headers = append(m.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	return m
}
