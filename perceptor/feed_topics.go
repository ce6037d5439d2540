package perceptor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// topic is one that a Feed writes to.
type topic struct {
	name string
	n    int // partitions when the Feed began
	by   kgo.TopicPartitioner
	// ends are the newest versions that each partition had when the Feed began.
	ends []change.Version
}

// partition is where a key goes: where Kafka's clients put it. What has no key, a statement, goes to the first.
func (t *topic) partition(key []byte) int32 {
	if key == nil {
		return 0
	}
	return int32(t.by.Partition(&kgo.Record{Topic: t.name, Key: key}, t.n))
}

// topic finds a table's topic. A table whose columns have changed has the same.
func (f *feed) topic(ctx context.Context, table *change.Table) (*topic, error) {
	if t := f.topics[table]; t != nil {
		return t, nil
	}
	t, err := f.topicNamed(ctx, f.cfg.Encode.Prefix+"."+table.String(), f.cfg.Partitions)
	if err != nil {
		return nil, err
	}
	if len(f.topics) >= tablesMax {
		clear(f.topics)
	}
	f.topics[table] = t
	return t, nil
}

// topicNamed finds a topic, and makes it with so many partitions if it is missing.
func (f *feed) topicNamed(ctx context.Context, name string, partitions int32) (*topic, error) {
	if t := f.byName[name]; t != nil {
		return t, nil
	}
	n, err := f.ensure(ctx, name, partitions, nil)
	if err != nil {
		return nil, err
	}
	t := &topic{name: name, n: n, by: kgo.StickyKeyPartitioner(nil).ForTopic(name), ends: make([]change.Version, n)}
	if err := f.cfg.ends(ctx, t); err != nil {
		return nil, fmt.Errorf("perceptor: source %s: the end of topic %s: %w", f.cfg.Name, name, err)
	}
	f.byName[name] = t
	return t, nil
}

// exists asks whether there is a topic.
func (f *feed) exists(ctx context.Context, name string) (bool, error) {
	if f.byName[name] != nil {
		return true, nil
	}
	topics, err := f.admin.ListTopics(ctx, name)
	if err == nil {
		err = topics[name].Err
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.InvalidTopicException) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("perceptor: source %s: topic %s: %w", f.cfg.Name, name, err)
	}
	return true, nil
}

// tablesMax bounds what is kept of tables: schemas that changed leave their tables behind.
const tablesMax = 10_000

// ensure creates a topic if it is not there, and returns how many partitions it has.
func (f *feed) ensure(ctx context.Context, name string, partitions int32, config map[string]*string) (int, error) {
	if partitions == 0 {
		partitions = -1
	}
	created, err := f.admin.CreateTopic(ctx, partitions, -1, config, name)
	if err == nil {
		err = created.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return 0, fmt.Errorf("perceptor: source %s: topic %s: %w", f.cfg.Name, name, err)
	}
	for {
		topics, err := f.admin.ListTopics(ctx, name)
		if err == nil && topics[name].Err == nil && len(topics[name].Partitions) > 0 {
			return len(topics[name].Partitions), nil
		}
		if err == nil {
			err = topics[name].Err
		}
		select { // a topic that was just created is not known everywhere yet
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("perceptor: source %s: topic %s: %w", f.cfg.Name, name, errors.Join(context.Cause(ctx), err))
		}
	}
}

// endRecords is how many records at the end of a partition are looked at: the last one may be a tombstone, which has no
// version.
const endRecords = 4

// ends reads the versions at the end of each partition.
func (c *FeedConfig) ends(ctx context.Context, t *topic) error {
	return c.lastRecords(ctx, t.name, t.n, endRecords, func(r consumer.Record) error {
		text, ok := r.Headers.Last(envelope.HeaderVersion)
		if !ok {
			return nil
		}
		v, err := envelope.ParseVersion(text)
		if err != nil {
			return fmt.Errorf("partition %d, offset %d: %w", r.Partition, r.Offset, err)
		}
		if v.Compare(t.ends[r.Partition]) > 0 {
			t.ends[r.Partition] = v
		}
		return nil
	})
}

// lastRecords gives the last n records of each partition to take, fewer if there are not so many.
func (c *FeedConfig) lastRecords(ctx context.Context, topic string, partitions int, n int64, take func(consumer.Record) error) error {
	reader, err := consumer.New(ctx, consumer.Brokers(c.Brokers...), consumer.Transport(c.Transport...), consumer.ClientID("skein-sync"),
		consumer.ResetTo(consumer.Earliest))
	if err != nil {
		return err
	}
	defer reader.Close(context.WithoutCancel(ctx))
	var all []consumer.TopicPartition
	for p := range partitions {
		all = append(all, consumer.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	ends, err := reader.EndOffsets(ctx, all...)
	if err != nil {
		return err
	}
	begins, err := reader.BeginningOffsets(ctx, all...)
	if err != nil {
		return err
	}
	left := map[consumer.TopicPartition]int64{}
	for _, p := range all {
		if ends[p] > begins[p] {
			left[p] = ends[p]
		}
	}
	if err := reader.Assign(slices.Collect(maps.Keys(left))...); err != nil {
		return err
	}
	for p := range left {
		if err := reader.Seek(p, max(begins[p], ends[p]-n)); err != nil {
			return err
		}
	}
	for len(left) > 0 {
		records, err := reader.Poll(ctx)
		if err != nil {
			return err
		}
		for r := range records.All() {
			if err := take(r); err != nil {
				return err
			}
			if p := r.TopicPartition(); r.Offset+1 >= left[p] {
				delete(left, p)
			}
		}
	}
	return nil
}
