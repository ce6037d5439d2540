// Package check compares what clients said with what a topic holds. It reads
// topics with franz-go by explicit offsets, never through a group, so that it
// depends on no coordinator. It talks to no client program. Start at ReadTopic.
package check

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is one record of a topic.
type Record struct {
	Offset     int64
	Timestamp  int64
	Key, Value string
	Headers    [][2]string
}

// Topic is everything a topic holds, in offset order per partition.
type Topic map[int32][]Record

// Len is the number of records.
func (t Topic) Len() int {
	n := 0
	for _, records := range t {
		n += len(records)
	}
	return n
}

// At finds a record by partition and offset.
func (t Topic) At(partition int32, offset int64) (Record, bool) {
	records := t[partition]
	if len(records) == 0 {
		return Record{}, false
	}
	i := offset - records[0].Offset
	if i < 0 || i >= int64(len(records)) || records[i].Offset != offset {
		return Record{}, false
	}
	return records[i], true
}

// ReadTopic reads from the start offsets up to the end offsets of this moment.
// A gap between two offsets is an error: no test here compacts.
func ReadTopic(ctx context.Context, broker, topic string) (Topic, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(broker)...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	left, err := span(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return nil, err
	}
	read := Topic{}
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read %s, %d partitions left: %w", topic, len(left), err)
		}
		fetches.EachRecord(func(r *kgo.Record) { err = read.add(r, left, err) })
		if err != nil {
			return nil, err
		}
	}
	return read, nil
}

// span returns the end offset of each partition that holds something.
func span(ctx context.Context, adm *kadm.Client, topic string) (map[int32]int64, error) {
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if start, _ := starts.Lookup(topic, o.Partition); o.Offset > start.Offset {
			left[o.Partition] = o.Offset
		}
	})
	return left, ends.Error()
}

func (t Topic) add(r *kgo.Record, left map[int32]int64, before error) error {
	if before != nil {
		return before
	}
	if had := t[r.Partition]; len(had) > 0 && had[len(had)-1].Offset+1 != r.Offset {
		return fmt.Errorf("%s/%d: offset %d follows %d", r.Topic, r.Partition, r.Offset, had[len(had)-1].Offset)
	}
	rec := Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: string(r.Key), Value: string(r.Value)}
	for _, h := range r.Headers {
		rec.Headers = append(rec.Headers, [2]string{h.Key, string(h.Value)})
	}
	t[r.Partition] = append(t[r.Partition], rec)
	if r.Offset+1 >= left[r.Partition] {
		delete(left, r.Partition)
	}
	return nil
}

// Same says how an event differs from the record that the topic holds, or nil.
func (t Topic) Same(e line.Event) error {
	want, ok := t.At(e.P, e.O)
	if !ok {
		return fmt.Errorf("partition %d offset %d: the topic holds no such record", e.P, e.O)
	}
	if want.Key != e.K || want.Value != e.V {
		return fmt.Errorf("partition %d offset %d: got %q=%q, the topic holds %q=%q", e.P, e.O, e.K, e.V, want.Key, want.Value)
	}
	if e.T != 0 && e.T != want.Timestamp {
		return fmt.Errorf("partition %d offset %d: got timestamp %d, the topic holds %d", e.P, e.O, e.T, want.Timestamp)
	}
	if len(e.H) != len(want.Headers) {
		return fmt.Errorf("partition %d offset %d: got headers %v, the topic holds %v", e.P, e.O, e.H, want.Headers)
	}
	for i := range e.H {
		if e.H[i] != want.Headers[i] {
			return fmt.Errorf("partition %d offset %d: got headers %v, the topic holds %v", e.P, e.O, e.H, want.Headers)
		}
	}
	return nil
}
