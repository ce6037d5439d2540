package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/skeintest"
)

// bed is a node in a bubble, and a pipeline whose sink is in memory.
type bed struct {
	*testing.T
	node     *skeintest.Node
	producer *kgo.Client
	encoder  *envelope.Encoder
	c        *Config
	to       *memory
}

func inBubble(t *testing.T, file string, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		producer, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		encoder, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, NoTombstones: true, Schemas: true})
		if err != nil {
			t.Fatal(err)
		}
		c, err := spec.Parse("p.yaml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		c.Brokers.Addresses = node.Bootstraps()
		test(&bed{T: t, node: node, producer: producer, encoder: encoder, c: c, to: &memory{rows: map[string]change.Version{}}})
	})
}

func (b *bed) options() Options {
	return Options{Instance: "here.1", Transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, open: func(context.Context, *spec.Sink, []string) (sink.Sink, error) { return b.to, nil }}
}

// start runs the pipeline and returns how to end it.
func (b *bed) start(o Options) (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- Run(ctx, b.c, o) }()
	end = sync.OnceValue(func() error { cancel(); return <-result })
	b.Cleanup(func() { _ = end() })
	return end
}

func (b *bed) topic(names ...string) {
	b.Helper()
	for _, name := range names {
		if resp, err := kadm.NewClient(b.producer).CreateTopic(b.Context(), 2, -1, nil, name); err != nil || resp.Err != nil {
			b.Fatal(err, resp.Err)
		}
	}
}

// put writes n changes of rows of a table, one each second.
func (b *bed) put(table string, partition int32, from, n int) {
	b.Helper()
	t := &change.Table{Database: "shop", Name: table, Key: []int{0}, Columns: []change.Column{{Name: "id", Type: change.BigInt}}}
	for i := from; i < from+n; i++ {
		b.encoder.Reset()
		c := &change.Change{Op: change.Create, Table: t, After: change.Row{change.IntValue(int64(i))},
			Version: change.Version{Epoch: 1, ExecuteTime: int64(1000 * i), Position: change.Position{File: 1, Offset: uint64(i)}}}
		records, err := b.encoder.Encode(nil, c, 0)
		if err != nil {
			b.Fatal(err)
		}
		out := &kgo.Record{Topic: "skein.shop." + table, Partition: partition, Key: records[0].Key, Value: records[0].Value, Timestamp: time.UnixMilli(c.Version.ExecuteTime)}
		for _, h := range records[0].Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		b.raw(out)
	}
}

func (b *bed) raw(r *kgo.Record) {
	b.Helper()
	if err := b.producer.ProduceSync(b.Context(), r).FirstErr(); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) inspect() *Status {
	b.Helper()
	s, err := Inspect(b.Context(), b.c, kgo.Dialer(b.node.Dial))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// until looks again and again, in the bubble's time.
func (b *bed) until(what string, ask func() bool) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !ask(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%s: not within ten minutes; the last was %+v", what, b.inspect())
		}
	}
}

// memory is a sink that keeps versions.
type memory struct {
	mu   sync.Mutex
	rows map[string]change.Version
	away bool
	bad  int64 // a row that is refused
}

func (m *memory) set(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

func (m *memory) Apply(_ context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errors.New("the server is away")
	}
	for i, c := range changes {
		id := c.Image()[0].Int()
		key := fmt.Sprint(c.Table, id)
		stored, there := m.rows[key]
		if id == m.bad {
			outcomes[i].Err = errors.New("it does not fit")
			continue
		}
		if outcomes[i].Verdict = change.Judge(stored, there, c.Version); outcomes[i].Verdict.Puts() {
			m.rows[key] = c.Version
		}
	}
	return nil
}

func (m *memory) Close() error { return nil }
