package perceptor

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/skeintest"
)

var stock = &change.Table{Database: "shop", Name: "stock", Key: []int{0}, Columns: []change.Column{
	{Name: "id", Type: change.BigInt}, {Name: "left", Type: change.Integer, Nullable: true}, {Name: "note", Type: change.TextType, Charset: "utf8mb4", Nullable: true},
}}

// bed is a node in a bubble, with a topic of changes.
type bed struct {
	*testing.T
	node     *skeintest.Node
	producer *kgo.Client
	encoder  *envelope.Encoder
}

const topicOfStock = "skein.shop.stock"

func inBubble(t *testing.T, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		producer, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		encoder, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, NoTombstones: true})
		if err != nil {
			t.Fatal(err)
		}
		b := &bed{T: t, node: node, producer: producer, encoder: encoder}
		for _, topic := range []string{topicOfStock, "dead"} {
			if resp, err := kadm.NewClient(producer).CreateTopic(t.Context(), 4, -1, nil, topic); err != nil || resp.Err != nil {
				t.Fatal(err, resp.Err)
			}
		}
		test(b)
	})
}

// put writes a change to a partition, whatever its key is.
func (b *bed) put(partition int32, changes ...*change.Change) {
	b.Helper()
	for _, c := range changes {
		b.encoder.Reset()
		records, err := b.encoder.Encode(nil, c, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range records {
			out := &kgo.Record{Topic: topicOfStock, Partition: partition, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
			}
			b.raw(out)
		}
	}
}

func (b *bed) raw(r *kgo.Record) {
	b.Helper()
	if err := b.producer.ProduceSync(b.Context(), r).FirstErr(); err != nil {
		b.Fatal(err)
	}
}

// options reach the node.
func (b *bed) options(more ...Option) []Option {
	return append([]Option{Consumer(consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)))}, more...)
}

// start runs something in the background and returns how to end it.
func (b *bed) start(run func(ctx context.Context) error) (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- run(ctx) }()
	end = sync.OnceValue(func() error { cancel(); return <-result })
	b.Cleanup(func() { _ = end() })
	return end
}

func (b *bed) until(what string, ask func() bool) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !ask(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%s: not within ten minutes", what)
		}
	}
}

// committed is the group's offset, -1 if there is none.
func (b *bed) committed(group string, partition int32) int64 {
	b.Helper()
	all, err := kadm.NewClient(b.producer).FetchOffsets(b.Context(), group)
	if err != nil {
		b.Fatal(err)
	}
	o, ok := all.Lookup(topicOfStock, partition)
	if !ok {
		return -1
	}
	return o.At
}

// update is a change of the row with this id.
func update(id int64, v change.Version) *change.Change {
	return &change.Change{Op: change.Update, Table: stock, Version: v, After: change.Row{
		change.IntValue(id), change.IntValue(int64(v.Position.Offset)), change.TextValue([]byte("n")),
	}}
}

func version(time int64, offset uint64) change.Version {
	return change.Version{Epoch: 1, ExecuteTime: time, Position: change.Position{File: 1, Offset: offset}}
}

// memory is a sink that keeps rows as the rule says. It can be made to fail.
type memory struct {
	mu      sync.Mutex
	rows    map[int64]change.Version
	values  map[int64]int64
	calls   int
	largest int
	fail    func(r *rand.Rand) bool // of a whole call, after some of it is written
	random  *rand.Rand
	refuse  func(c *change.Change) error
}

func newMemory() *memory {
	return &memory{rows: map[int64]change.Version{}, values: map[int64]int64{}, random: rand.New(rand.NewPCG(1, 1))}
}

func (m *memory) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	time.Sleep(2 * time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	m.largest = max(m.largest, len(changes))
	failing := m.fail != nil && m.fail(m.random)
	for i, c := range changes {
		if failing && i >= len(changes)/2 {
			return context.DeadlineExceeded
		}
		if m.refuse != nil {
			if err := m.refuse(c); err != nil {
				outcomes[i] = sink.Outcome{Err: err}
				continue
			}
		}
		id := c.Image()[0].Int()
		stored, exists := m.rows[id]
		verdict := change.Judge(stored, exists, c.Version)
		outcomes[i] = sink.Outcome{Verdict: verdict, Stored: stored}
		if verdict.Puts() {
			m.rows[id], m.values[id] = c.Version, c.Image()[1].Int()
		}
	}
	return ctx.Err()
}

func (m *memory) Close() error { return nil }
