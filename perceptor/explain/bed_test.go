package explain

import (
	"context"
	"iter"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/skeintest"
)

var stock = &change.Table{Database: "shop", Name: "stock", Key: []int{0}, Columns: []change.Column{
	{Name: "id", Type: change.BigInt}, {Name: "left", Type: change.Integer, Nullable: true},
}}

const topic = "skein.shop.stock"

// bed is a node in a bubble with a topic of changes.
type bed struct {
	*testing.T
	node   *skeintest.Node
	client *kgo.Client
	format envelope.Options
	clock  time.Time // of the next record
}

func inBubble(t *testing.T, partitions int32, format envelope.Options, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if resp, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, -1, nil, topic); err != nil || resp.Err != nil {
			t.Fatal(err, resp.Err)
		}
		test(&bed{T: t, node: node, client: client, format: format, clock: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
	})
}

// put writes changes as perceptor.Feed does, or into one partition if that is told.
func (b *bed) put(partition int32, changes ...*change.Change) {
	b.Helper()
	e, err := envelope.NewEncoder(b.format)
	if err != nil {
		b.Fatal(err)
	}
	topics, err := kadm.NewClient(b.client).ListTopics(b.Context(), topic)
	if err != nil {
		b.Fatal(err)
	}
	n := len(topics[topic].Partitions)
	by := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
	for _, c := range changes {
		records, err := e.Encode(nil, c, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range records {
			out := &kgo.Record{Topic: topic, Partition: partition, Key: r.Key, Value: r.Value, Timestamp: b.clock}
			if partition < 0 {
				out.Partition = int32(by.Partition(&kgo.Record{Key: r.Key}, n))
			}
			for _, h := range r.Headers {
				out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
			}
			b.raw(out)
			b.clock = b.clock.Add(time.Second)
		}
	}
}

func (b *bed) raw(r *kgo.Record) {
	b.Helper()
	if err := b.client.ProduceSync(b.Context(), r).FirstErr(); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) commit(group string, partition int32, offset int64) {
	b.Helper()
	var o kadm.Offsets
	o.AddOffset(topic, partition, offset, -1)
	if _, err := kadm.NewClient(b.client).CommitOffsets(b.Context(), group, o); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) explain(c Config) *Story {
	b.Helper()
	c.Brokers, c.Transport, c.Topic, c.Table = b.node.Bootstraps(), []kgo.Opt{kgo.Dialer(b.node.Dial)}, topic, stock
	s, err := Run(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func row(id, left int64) change.Row { return change.Row{change.IntValue(id), change.IntValue(left)} }

func version(epoch uint32, at int64, offset uint64) change.Version {
	return change.Version{Epoch: epoch, ExecuteTime: at, Position: change.Position{File: 7, Offset: offset}}
}

func update(v change.Version, id, left int64) *change.Change {
	return &change.Change{Op: change.Update, Table: stock, Version: v, After: row(id, left), Origin: change.Origin{File: "binlog.000007", GTID: "0-1-" + strconv.FormatUint(v.Position.Offset, 10)}}
}

// kept is a sink that has what it is told to have.
type kept struct{ rows map[int64]sink.Stored }

func (k kept) Apply(context.Context, []*change.Change, []sink.Outcome) error {
	panic("nothing is written")
}
func (k kept) Close() error { return nil }

func (k kept) Expect(_ context.Context, _ *change.Table, row change.Row) (sink.Stored, error) {
	return sink.Stored{Key: []byte(row[0].String()), Columns: []sink.StoredColumn{{Name: "id", Value: []byte(row[0].String())}, {Name: "left", Value: []byte(row[1].String())}}}, nil
}

func (k kept) Key(_ context.Context, _ *change.Table, row change.Row) ([]byte, error) {
	return []byte(row[0].String()), nil
}

func (k kept) KeyTexts(_ context.Context, _ *change.Table, key []byte) ([][]byte, error) {
	return [][]byte{key}, nil
}

func (k kept) Scan(context.Context, *change.Table) iter.Seq2[sink.Stored, error] {
	panic("nothing is scanned")
}

func (k kept) Look(_ context.Context, _ *change.Table, keys [][]byte) ([]sink.Stored, error) {
	out := make([]sink.Stored, len(keys))
	for i, key := range keys {
		id, _ := strconv.ParseInt(string(key), 10, 64)
		out[i] = k.rows[id]
	}
	return out, nil
}

// has is a row of the sink.
func has(v change.Version, id, left int64) kept {
	s, _ := kept{}.Expect(context.Background(), nil, row(id, left))
	s.Version, s.Versioned = v, true
	return kept{map[int64]sink.Stored{id: s}}
}
