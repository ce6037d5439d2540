package consumer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Headers of records in retry and dead-letter topics. They say where a record comes from, however many topics it went
// through, and what was wrong last.
const (
	HeaderTopic     = "skein-original-topic"
	HeaderPartition = "skein-original-partition"
	HeaderOffset    = "skein-original-offset"
	HeaderTimestamp = "skein-original-timestamp" // milliseconds since 1970
	HeaderGroup     = "skein-group"
	HeaderAttempts  = "skein-attempts"    // in the topic that it comes from
	HeaderError     = "skein-error"       // at most 1,000 bytes
	HeaderNotBefore = "skein-retry-after" // milliseconds since 1970; in retry topics
)

// errorBytesMax bounds the text of an error in a header.
const errorBytesMax = 1000

// A record of more than smallMax bytes, with its headers, is sent by a producer that makes batches of up to largeMax, as one batch: of
// many small ones such batches would be more than a topic takes.
const (
	smallMax = 900_000
	largeMax = 96 << 20 // brokers take requests of 100 MiB
)

// elsewhere sends records to retry and dead-letter topics.
type elsewhere struct {
	producer *kgo.Client // nil if there are no such topics
	large    *kgo.Client
	alone    chan struct{} // who sends by large has put something into it
	group    string
	topics   []RetryTopic
	dead     string
}

func (e *elsewhere) open(c *Consumer) error {
	e.group, e.topics, e.dead = c.group.ID, c.cfg.run.retryTopics, c.cfg.run.deadLetter
	if len(e.topics) == 0 && e.dead == "" {
		return nil
	}
	options := append([]kgo.Opt{
		kgo.SeedBrokers(c.cfg.seeds...), kgo.ClientID(c.cfg.clientID), kgo.AllowAutoTopicCreation(),
		kgo.RecordDeliveryTimeout(c.cfg.apiTimeout), kgo.DisableClientMetrics(),
	}, c.cfg.transport...)
	producer, err := kgo.NewClient(options...)
	if err == nil {
		e.producer = producer
		e.large, err = kgo.NewClient(append(options, kgo.ProducerBatchMaxBytes(largeMax))...)
		e.alone = make(chan struct{}, 1)
	}
	if err != nil {
		e.close()
		return fmt.Errorf("consumer: options of the producer for retries: %w", err)
	}
	return nil
}

func (e *elsewhere) close() {
	for _, producer := range []*kgo.Client{e.producer, e.large} {
		if producer != nil {
			producer.Close()
		}
	}
}

// nextTopic is where a record goes that could not be processed, and when it is due there; "" is nowhere.
func (e *elsewhere) nextTopic(r Record, hopeless bool) (topic string, due time.Time) {
	if !hopeless {
		next := 0
		for i, t := range e.topics {
			if t.Topic == r.Topic {
				next = i + 1
			}
		}
		if next < len(e.topics) {
			return e.topics[next].Topic, time.Now().Add(e.topics[next].Delay)
		}
	}
	return e.dead, time.Time{}
}

// due is when a record of a retry topic may be processed.
func (e *elsewhere) due(r Record) time.Time {
	for _, t := range e.topics {
		if t.Topic != r.Topic {
			continue
		}
		if value, ok := r.Headers.Last(HeaderNotBefore); ok {
			if ms, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				return time.UnixMilli(ms)
			}
		}
	}
	return time.Time{}
}

// send writes the record, with its own key, value and headers, and waits until it is acknowledged.
func (e *elsewhere) send(ctx context.Context, r Record, topic string, due time.Time, attempts int, why error) error {
	out := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	original := map[string]bool{}
	for key, value := range r.Headers.All() {
		switch key {
		case HeaderAttempts, HeaderError, HeaderNotBefore, HeaderGroup:
			continue
		}
		original[key] = true
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: key, Value: value})
	}
	add := func(key, value string) {
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	if !original[HeaderTopic] {
		add(HeaderTopic, r.Topic)
		add(HeaderPartition, strconv.Itoa(int(r.Partition)))
		add(HeaderOffset, strconv.FormatInt(r.Offset, 10))
		add(HeaderTimestamp, strconv.FormatInt(r.Timestamp.UnixMilli(), 10))
	}
	add(HeaderGroup, e.group)
	add(HeaderAttempts, strconv.Itoa(attempts))
	text := why.Error()
	add(HeaderError, strings.ToValidUTF8(text[:min(len(text), errorBytesMax)], ""))
	if !due.IsZero() {
		add(HeaderNotBefore, strconv.FormatInt(due.UnixMilli(), 10))
	}
	size := len(out.Key) + len(out.Value)
	for _, h := range out.Headers {
		size += len(h.Key) + len(h.Value)
	}
	if size <= smallMax {
		return e.producer.ProduceSync(ctx, out).FirstErr()
	}
	select {
	case e.alone <- struct{}{}:
		defer func() { <-e.alone }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return e.large.ProduceSync(ctx, out).FirstErr()
}
