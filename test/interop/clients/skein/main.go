// Command skein is the interop client program for skein's own consumer library; package line describes what it is told
// and what it answers. It produces and administers with franz-go.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/test/interop/clients/kgoside"
	"github.com/skein-io/skein/test/interop/line"
)

func main() {
	kgoside.ID = "interop-skein"
	handlers := kgoside.AdminHandlers()
	handlers["produce"] = kgoside.Produce
	handlers["consume"] = consume
	handlers["group"] = group
	line.Serve(handlers)
}

func open(options ...consumer.Option) (*consumer.Consumer, error) {
	return consumer.New(context.Background(), append([]consumer.Option{consumer.Brokers(kgoside.Brokers...), consumer.ClientID("interop-skein")}, options...)...)
}

// poll waits at most 50 ms. That it waited in vain is not an error.
func poll(c *consumer.Consumer) (consumer.Records, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	records, err := c.Poll(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return records, err
}

// recordEvent says what a record holds.
func recordEvent(r consumer.Record) line.Event {
	e := line.Event{E: line.Rec, P: r.Partition, O: r.Offset, T: r.Timestamp.UnixMilli(), K: string(r.Key), V: string(r.Value)}
	for k, v := range r.Headers.All() {
		e.H = append(e.H, [2]string{k, string(v)})
	}
	return e
}

// consume reads Count records of the given partitions without a group.
func consume(s *line.Session, r line.Request) (any, error) {
	c, err := open(consumer.PollRecordsMax(max(r.Count, 1)))
	if err != nil {
		return nil, err
	}
	defer c.Close(context.Background())
	var names []consumer.TopicPartition
	for _, p := range r.Partitions {
		names = append(names, consumer.TopicPartition{Topic: r.Topic, Partition: p})
	}
	if err := c.Assign(names...); err != nil {
		return nil, err
	}
	for _, p := range names {
		if r.ByTime {
			err = c.SeekToTime(p, time.UnixMilli(r.Timestamp))
		} else {
			err = c.Seek(p, r.Offset)
		}
		if err != nil {
			return nil, err
		}
	}
	for taken := 0; taken < r.Count && !s.Stopped(); {
		records, err := poll(c)
		if err != nil {
			return nil, err
		}
		for rec := range records.All() {
			if taken++; taken > r.Count {
				break
			}
			s.Emit(recordEvent(rec))
		}
	}
	return nil, nil
}
