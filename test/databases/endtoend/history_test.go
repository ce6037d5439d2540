package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/test/services"
)

// told is where each change is told: by table, what is done, and version.
type told map[string][]string

// sides are the changes that one is in the topic: two if it gives the row another key.
func sides(c *change.Change) []*change.Change {
	if c.Op == change.Update && envelope.KeyChanged(c) {
		del, create := envelope.Split(c)
		return []*change.Change{del, create}
	}
	return []*change.Change{c}
}

func (all told) add(c *change.Change, where string) {
	side := "+"
	if c.Op == change.Delete {
		side = "-"
	}
	name := fmt.Sprintf("%s %s %s", c.Table, side, c.Version)
	all[name] = append(all[name], where)
}

// inTopics reads all changes of the tables' topics; reads are how many of them are of the snapshot, and first is the least version.
func (w *world) inTopics(ctx context.Context) (all told, reads int, first change.Version, err error) {
	c, err := consumer.New(ctx, consumer.Brokers(w.broker.Addr()), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		return nil, 0, first, err
	}
	defer func() { _ = c.Close(ctx) }()
	var partitions []consumer.TopicPartition
	for _, t := range tables() {
		for p := range int32(topicPartitions) {
			partitions = append(partitions, consumer.TopicPartition{Topic: "skein.shop." + t.name, Partition: p})
		}
	}
	ends, err := c.EndOffsets(ctx, partitions...)
	if err != nil {
		return nil, 0, first, err
	}
	left := map[consumer.TopicPartition]int64{}
	for p, end := range ends {
		if end > 0 {
			left[p] = end
		}
	}
	if err := c.Assign(partitions...); err != nil {
		return nil, 0, first, err
	}
	d, err := envelope.NewDecoder(envelope.ReadOptions{})
	if err != nil {
		return nil, 0, first, err
	}
	all = told{}
	newest := map[string]change.Version{}
	for len(left) > 0 {
		records, err := c.Poll(ctx)
		if err != nil {
			return nil, 0, first, err
		}
		for r := range records.All() {
			in := envelope.Record{Key: r.Key, Value: r.Value}
			for k, v := range r.Headers.All() {
				in.Headers = append(in.Headers, envelope.Header{Key: k, Value: v})
			}
			out, err := d.Decode(envelope.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}, &in)
			if err != nil {
				return nil, 0, first, err
			}
			for _, one := range out.Changes {
				key := r.Topic + string(r.Key)
				if one.Version.Compare(newest[key]) < 0 {
					return nil, 0, first, fmt.Errorf("%s, offset %d: version %s after %s of the same row", r.TopicPartition(), r.Offset, one.Version, newest[key])
				}
				newest[key] = one.Version
				if first == (change.Version{}) || one.Version.Compare(first) < 0 {
					first = one.Version
				}
				if one.Op == change.Read {
					reads++
					continue
				}
				all.add(one, fmt.Sprintf("%s@%d", r.TopicPartition(), r.Offset))
			}
			if p := r.TopicPartition(); r.Offset+1 >= left[p] {
				delete(left, p)
			}
		}
	}
	return all, reads, first, nil
}

// inBinlog reads the source's whole binlog, up to now, from what the topic begins with.
func (w *world) inBinlog(ctx context.Context, first change.Version) (told, error) {
	config := binlog.Config{
		Addr: w.source.Addr(), User: services.MariaDBUser, Password: services.MariaDBPassword, ServerID: 99, Epoch: first.Epoch,
		Tables:    func(database, _ string) bool { return database == "shop" },
		Heartbeat: time.Second,
	}
	end, err := binlog.Current(ctx, config)
	if err != nil {
		return nil, err
	}
	r, err := binlog.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	all := told{}
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		if e.Kind == binlog.Row && e.Change.Version.Compare(first) >= 0 {
			for _, one := range sides(e.Change) {
				all.add(one, e.Change.Origin.File)
			}
		}
		if p := r.Position(); e.Kind != binlog.Row && e.Kind != binlog.Begin && p.File == end.File && p.Offset >= end.Offset {
			return all, nil
		}
	}
}

// missing tells what is in one and not in the other, and where the first are.
func missing(from, in told) (n int, some string) {
	var first []string
	for what, where := range from {
		if in[what] == nil {
			n++
			first = append(first, fmt.Sprintf("%s: %s", what, where))
		}
	}
	slices.Sort(first)
	return n, strings.Join(first[:min(5, len(first))], "\n\t")
}

// twice tells what is told more than once.
func (all told) twice() (n int, some string) {
	var first []string
	for what, where := range all {
		if len(where) > 1 {
			n += len(where) - 1
			first = append(first, fmt.Sprintf("%s: %s", what, where))
		}
	}
	slices.Sort(first)
	return n, strings.Join(first[:min(5, len(first))], "\n\t")
}
