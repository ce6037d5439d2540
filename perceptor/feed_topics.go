package perceptor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
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

func (c *FeedConfig) positionsTopic() string { return c.Encode.Prefix + ".positions" }

// positions makes the topic of positions.
func (f *feed) positions(ctx context.Context) error {
	compact := "compact"
	n, err := f.ensure(ctx, f.cfg.positionsTopic(), 1, map[string]*string{"cleanup.policy": &compact})
	if err == nil && n != 1 {
		err = fmt.Errorf("perceptor: topic %s has %d partitions; it must have one, so that the last position is the last record", f.cfg.positionsTopic(), n)
	}
	return err
}

// keepPositions keeps the position now and then.
func (f *feed) keepPositions(ctx context.Context) {
	for {
		select {
		case <-time.After(f.cfg.PositionEvery):
		case <-ctx.Done():
			return
		}
		if err := f.keepPosition(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Log.Warn("the position is not kept", "source", f.cfg.Name, "error", err)
		}
	}
}

// keepPosition writes the position if it has moved.
func (f *feed) keepPosition(ctx context.Context) error {
	position, known := f.sent.now()
	if !known {
		return nil
	}
	text, err := json.Marshal(position)
	if err != nil || string(text) == f.kept {
		return err
	}
	r := &kgo.Record{Topic: f.cfg.positionsTopic(), Key: []byte(f.cfg.Name), Value: text}
	written := make(chan error, 1)
	f.client.Produce(ctx, r, func(_ *kgo.Record, err error) { written <- err })
	select { // a record that may have been sent is not given up by the client when ctx ends
	case err = <-written:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("perceptor: source %s: its position: %w", f.cfg.Name, err)
	}
	f.kept = string(text)
	return nil
}

// Resume returns the place that the source of this name has kept; found is false if there is none. What follows it may
// have been written already; Feed knows.
func Resume(ctx context.Context, cfg FeedConfig) (position source.State, found bool, err error) {
	if err := cfg.fill(); err != nil {
		return position, false, err
	}
	client, err := cfg.client()
	if err != nil {
		return position, false, err
	}
	defer client.Close()
	f := &feed{cfg: &cfg, client: client, admin: kadm.NewClient(client)}
	if err := f.positions(ctx); err != nil {
		return position, false, err
	}
	const all = 1 << 40
	err = cfg.lastRecords(ctx, cfg.positionsTopic(), 1, all, func(r consumer.Record) error {
		if string(r.Key) != cfg.Name {
			return nil
		}
		position, found = source.State{}, r.Value != nil
		if !found {
			return nil
		}
		if err := json.Unmarshal(r.Value, &position); err != nil {
			return fmt.Errorf("perceptor: source %s: the position at offset %d of %s: %w", cfg.Name, r.Offset, r.Topic, err)
		}
		return nil
	})
	return position, found, err
}
