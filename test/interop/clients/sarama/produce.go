package main

import (
	"errors"
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

// produce closes the producer when every record has its answer, and not before. AsyncClose and Close flush what waits to be
// sent, but since sarama 1.60 (its pull request 3645) they also end retries: a batch whose broker is gone while the producer
// is being closed fails with ErrShuttingDown, whatever Producer.Retry.Max allows. With a broker killed shortly before the
// end of the input that happened in every run, on Apache Kafka as on skein.
func produce(s *line.Session, r line.Request) (any, error) {
	producer, err := sarama.NewAsyncProducer(brokers, producerConfig(r))
	if err != nil {
		return nil, err
	}
	handedOver, answered := make(chan int, 1), make(chan error, 1)
	go func() { answered <- answers(s, producer, handedOver) }()
	pace := line.NewPace(r.Rate)
	n := 0
	for ; n < r.Count && !s.Stopped(); n++ {
		pace.Wait()
		producer.Input() <- message(r, r.Start+n)
	}
	handedOver <- n
	return nil, errors.Join(<-answered, producer.Close())
}

// answers reports every success, until as many records as were handed over have been answered, and returns the first
// failure.
func answers(s *line.Session, producer sarama.AsyncProducer, handedOver <-chan int) error {
	var first error
	for n, total := 0, -1; n != total; {
		select {
		case total = <-handedOver:
		case m := <-producer.Successes():
			s.Emit(line.Event{E: line.Ack, I: m.Metadata.(int), P: m.Partition, O: m.Offset})
			n++
		case e := <-producer.Errors():
			if first == nil {
				first = fmt.Errorf("record %v: %w", e.Msg.Metadata, e.Err)
			}
			n++
		}
	}
	return first
}

func message(r line.Request, i int) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: r.Topic, Metadata: i, Key: sarama.StringEncoder(line.Key(r.Tag, i, r.Keys)),
		Value: sarama.StringEncoder(line.Value(r.Tag, i, r.Size))}
	for _, h := range line.Headers(r.Tag, i) {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h[0]), Value: []byte(h[1])})
	}
	return m
}
