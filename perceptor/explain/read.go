package explain

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// reading is a way through the topic.
type reading struct {
	*telling
	client  *consumer.Consumer
	decoder *envelope.Decoder
	match   *matcher
	// keys are the record keys that the row's records have; nil if that is not known.
	keys   [][]byte
	stored change.Version // of a sink that has had all up to here
	exists bool
	ring   []Step // the last ones
}

// read goes through the topic, from its beginning to what is its end now.
func (t *telling) read(ctx context.Context) error {
	options := []consumer.Option{consumer.Brokers(t.c.Brokers...), consumer.Transport(t.c.Transport...), consumer.ClientID("skein-sync"), consumer.ResetTo(consumer.Earliest)}
	client, err := consumer.New(ctx, options...)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	decoder, err := envelope.NewDecoder(t.readOptions())
	if err != nil {
		return err
	}
	r := &reading{telling: t, client: client, decoder: decoder, match: newMatcher(t.c.Table, t.c.Key)}
	all, err := t.ask(ctx)
	if err != nil {
		return err
	}
	ends, err := client.EndOffsets(ctx, all...)
	if err != nil {
		return err
	}
	begins, err := client.BeginningOffsets(ctx, all...)
	if err != nil {
		return err
	}
	chosen := all
	if !t.c.All {
		if chosen, err = r.choose(ctx, all, begins, ends); err != nil {
			return err
		}
	}
	for _, p := range chosen {
		t.story.Partitions = append(t.story.Partitions, p.Partition)
		if err := r.partition(ctx, p, begins[p], ends[p], r.take); err != nil {
			return err
		}
	}
	t.story.Last = append(t.story.Last, r.ring...)
	return nil
}

// readOptions know the table if they know no others.
func (t *telling) readOptions() envelope.ReadOptions {
	o := t.c.Read
	if o.Tables == nil {
		o.Tables = func(database, table string) *change.Table {
			if database == t.c.Table.Database && table == t.c.Table.Name {
				return t.c.Table
			}
			return nil
		}
	}
	return o
}

// ask asks for the topic's partitions and for the group's offsets. A topic that is not there is not made by being asked for.
// It is no member of the group, and never commits.
func (t *telling) ask(ctx context.Context) ([]consumer.TopicPartition, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(t.c.Brokers...), kgo.ClientID("skein-sync"), kgo.DisableClientMetrics()}, t.c.Transport...)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx, t.c.Topic)
	if err == nil {
		err = topics[t.c.Topic].Err
	}
	if err != nil {
		return nil, err
	}
	var all []consumer.TopicPartition
	for p := range topics[t.c.Topic].Partitions {
		all = append(all, consumer.TopicPartition{Topic: t.c.Topic, Partition: p})
	}
	slices.SortFunc(all, consumer.TopicPartition.Compare)
	if t.c.Group == "" {
		return all, nil
	}
	offsets, err := admin.FetchOffsets(ctx, t.c.Group)
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", t.c.Group, err)
	}
	t.story.Committed = map[int32]int64{}
	for _, p := range all {
		o, _ := offsets.Lookup(p.Topic, p.Partition)
		if o.Err != nil {
			return nil, fmt.Errorf("group %s: %s: %w", t.c.Group, p, o.Err)
		}
		t.story.Committed[p.Partition] = max(o.At, 0)
	}
	return all, nil
}

// partition gives the records of a partition.
func (r *reading) partition(ctx context.Context, p consumer.TopicPartition, begin, end int64, take func(consumer.Record) error) error {
	if begin >= end {
		return nil
	}
	if err := r.client.Assign(p); err != nil {
		return err
	}
	if err := r.client.Seek(p, begin); err != nil {
		return err
	}
	for {
		records, err := r.poll(ctx)
		if err != nil {
			return err
		}
		for record := range records.All() {
			if record.Offset < end {
				if err := take(record); err != nil {
					return err
				}
			}
		}
		// What is behind the last record may be gone, or the mark of a transaction.
		if at, err := r.client.Position(p); err == nil && at >= end {
			return nil
		}
	}
}

// pollMax is how long one poll waits. At the end of a partition there may be nothing that a poll would return.
const pollMax = 500 * time.Millisecond

func (r *reading) poll(ctx context.Context) (consumer.Records, error) {
	bounded, cancel := context.WithTimeout(ctx, pollMax)
	defer cancel()
	records, err := r.client.Poll(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return consumer.Records{}, nil
	}
	return records, err
}

// sampleRecords is how many records at the end of each partition tell how the topic is keyed.
const sampleRecords = 4

// choose finds the one partition with the key's records, if the topic is keyed as perceptor.Feed and Kafka's clients do it:
// then the key tells the partition, and the others need not be read. All of them if it is not.
func (r *reading) choose(ctx context.Context, all []consumer.TopicPartition, begins, ends map[consumer.TopicPartition]int64) ([]consumer.TopicPartition, error) {
	ways := keyings(r.c.Table)
	by := kgo.StickyKeyPartitioner(nil).ForTopic(r.c.Topic)
	partition := func(key []byte) int32 { return int32(by.Partition(&kgo.Record{Key: key}, len(all))) }
	sampled := 0
	for _, p := range all {
		err := r.partition(ctx, p, max(begins[p], ends[p]-sampleRecords), ends[p], func(record consumer.Record) error {
			if record.Key == nil || record.Value == nil {
				return nil
			}
			decoded, err := r.decode(&record)
			if err != nil || len(decoded.Changes) == 0 {
				return nil
			}
			sampled++
			image := decoded.Changes[0].Image()
			ways = slices.DeleteFunc(ways, func(w *envelope.Encoder) bool {
				key, err := w.Key(decoded.Changes[0].Table, image)
				same := err == nil && bytes.Equal(key, record.Key) && partition(key) == record.Partition
				w.Reset()
				return !same
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if sampled == 0 || len(ways) == 0 {
		return all, nil
	}
	var chosen []consumer.TopicPartition
	for _, w := range ways { // formats may write the same key
		key, err := w.Key(r.c.Table, r.c.Key)
		if err != nil {
			return all, nil
		}
		r.keys = append(r.keys, bytes.Clone(key))
		p := consumer.TopicPartition{Topic: r.c.Topic, Partition: partition(key)}
		if !slices.Contains(chosen, p) {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

// keyings are the ways in which perceptor writes keys.
func keyings(t *change.Table) (ways []*envelope.Encoder) {
	for _, o := range []envelope.Options{
		{Format: envelope.Debezium}, {Format: envelope.Debezium, Decimals: envelope.DecimalText}, {Format: envelope.Debezium, Schemas: true},
		{Format: envelope.Debezium, Schemas: true, Decimals: envelope.DecimalText}, {Format: envelope.Canal}, {Format: envelope.Maxwell},
	} {
		if w, err := envelope.NewEncoder(o); err == nil {
			ways = append(ways, w)
		}
	}
	return ways
}

func (r *reading) decode(record *consumer.Record) (envelope.Decoded, error) {
	in := envelope.Record{Key: record.Key, Value: record.Value}
	for key, value := range record.Headers.All() {
		in.Headers = append(in.Headers, envelope.Header{Key: key, Value: value})
	}
	return r.decoder.Decode(envelope.Place{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset}, &in)
}
