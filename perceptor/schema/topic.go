package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
)

// keeper is the topic's way in and out.
type keeper struct {
	c      *Config
	client *kgo.Client // nil until something is written
}

func (k *keeper) connect() error {
	if k.client != nil {
		return nil
	}
	options := append([]kgo.Opt{
		kgo.SeedBrokers(k.c.Brokers...), kgo.ClientID("skein-sync"), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}, k.c.Transport...)
	var err error
	k.client, err = kgo.NewClient(options...)
	return err
}

func (k *keeper) close() {
	if k.client != nil {
		k.client.Close()
		k.client = nil
	}
}

// ensure makes the topic if it is missing, and refuses one that others have made in another way. Without create it tells whether it is there.
func (k *keeper) ensure(ctx context.Context, create bool) (found bool, err error) {
	if err := k.connect(); err != nil {
		return false, err
	}
	admin := kadm.NewClient(k.client)
	for {
		topics, err := admin.ListTopics(ctx, k.c.topic())
		if err == nil {
			err = topics[k.c.topic()].Err
		}
		switch n := len(topics[k.c.topic()].Partitions); {
		case err == nil && n > 1:
			return false, fmt.Errorf("it has %d partitions; it must have one, so that what is decided is in order", n)
		case err == nil && n == 1:
			return true, nil
		case errors.Is(err, kerr.UnknownTopicOrPartition) && !create:
			return false, nil
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			compact := "compact"
			made, err := admin.CreateTopic(ctx, 1, -1, map[string]*string{"cleanup.policy": &compact}, k.c.topic())
			if err == nil {
				err = made.Err
			}
			if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				return false, err
			}
		case ctx.Err() != nil:
			return false, errors.Join(ctx.Err(), err)
		}
		select { // a topic that was just made is not known everywhere yet
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return false, errors.Join(ctx.Err(), err)
		}
	}
}

// message is a record of the topic: of a table, or of its statements.
type message struct {
	key   string
	value any
}

// write returns when all are acknowledged. If ctx ends before, they may be written later.
func (k *keeper) write(ctx context.Context, all []message) error {
	if err := k.connect(); err != nil {
		return err
	}
	written := make(chan error, len(all))
	for _, m := range all {
		text, err := json.Marshal(m.value)
		if err != nil {
			return err
		}
		// With ctx, the client would give up what others have to write as well.
		k.client.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: k.c.topic(), Key: []byte(m.key), Value: text}, func(_ *kgo.Record, err error) { written <- err })
	}
	for range all {
		select {
		case err := <-written:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// reader reads the topic from its beginning.
type reader struct {
	from *consumer.Consumer
	at   consumer.TopicPartition
	next int64
}

func (c *Config) reader(ctx context.Context) (*reader, error) {
	from, err := consumer.New(ctx, consumer.Brokers(c.Brokers...), consumer.Transport(c.Transport...), consumer.ClientID("skein-sync"), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		return nil, err
	}
	r := &reader{from: from, at: consumer.TopicPartition{Topic: c.topic(), Partition: 0}}
	if err := from.Assign(r.at); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *reader) close() {
	ending, end := context.WithTimeout(context.Background(), 5*time.Second)
	defer end()
	_ = r.from.Close(ending)
}

// catchUp gives what was in the topic when it was called, and was not given before, to take.
func (r *reader) catchUp(ctx context.Context, take func(consumer.Record)) error {
	ends, err := r.from.EndOffsets(ctx, r.at)
	if err != nil {
		return err
	}
	begins, err := r.from.BeginningOffsets(ctx, r.at)
	if err != nil {
		return err
	}
	if ends[r.at] < r.next { // it is another topic of this name
		r.next = 0
		if err := r.from.Seek(r.at, begins[r.at]); err != nil {
			return err
		}
	}
	r.next = max(r.next, begins[r.at])
	for r.next < ends[r.at] {
		records, err := r.from.Poll(ctx)
		if err != nil {
			return err
		}
		for record := range records.All() {
			take(record)
			r.next = record.Offset + 1
		}
	}
	return nil
}
