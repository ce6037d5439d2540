package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/skein-io/skein/test/interop/line"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func producerConfig(r line.Request) *sarama.Config {
	c := config()
	c.Producer.Compression = codecs[r.Codec]
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = r.Idempotent
	c.Net.MaxOpenRequests = 1 // sarama's own condition for idempotence, and for order without it
	c.Producer.Flush.Frequency = 5 * time.Millisecond
	c.Producer.Return.Successes = true
	c.Producer.Retry.Max = 600
	c.Producer.Retry.Backoff = 100 * time.Millisecond
	c.Metadata.Retry.Max = 600
	return c
}

func produce(s *line.Session, r line.Request) (any, error) {
	producer, err := sarama.NewAsyncProducer([]string{broker}, producerConfig(r))
	if err != nil {
		return nil, err
	}
	answered := make(chan error)
	go func() { answered <- answers(s, producer) }()
	pace := line.NewPace(r.Rate)
	for i := r.Start; i < r.Start+r.Count && !s.Stopped(); i++ {
		pace.Wait()
		producer.Input() <- message(r, i)
	}
	producer.AsyncClose()
	return nil, <-answered
}

// answers reports every success and returns the first failure, once both
// channels are closed.
func answers(s *line.Session, producer sarama.AsyncProducer) error {
	failed := make(chan error)
	go func() {
		var first error
		for e := range producer.Errors() {
			if first == nil {
				first = fmt.Errorf("record %v: %w", e.Msg.Metadata, e.Err)
			}
		}
		failed <- first
	}()
	for m := range producer.Successes() {
		s.Emit(line.Event{E: line.Ack, I: m.Metadata.(int), P: m.Partition, O: m.Offset})
	}
	return <-failed
}

func message(r line.Request, i int) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: r.Topic, Metadata: i, Key: sarama.StringEncoder(line.Key(r.Tag, i, r.Keys)),
		Value: sarama.StringEncoder(line.Value(r.Tag, i, r.Size))}
	for _, h := range line.Headers(r.Tag, i) {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h[0]), Value: []byte(h[1])})
	}
	return m
}
