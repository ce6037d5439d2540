package consumer_test

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/skeintest"
)

// bed is a cluster in a bubble, with a producer.
type bed struct {
	*testing.T
	node     *skeintest.Node
	producer *kgo.Client
}

// A bubble's time goes on as long as somebody waits for it, so what waits for ever would use up the real time of all tests.
const (
	bubbleMost  = 2 * time.Hour
	produceMost = 2 * time.Minute
)

// inBubble runs a test on nodes with time of their own.
func inBubble(t *testing.T, nodes int, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		guard := time.AfterFunc(bubbleMost, func() {
			debug.SetTraceback("all")
			panic(fmt.Sprintf("%s waits since %v of its bubble's time; what for, the goroutines tell", t.Name(), bubbleMost))
		})
		t.Cleanup(func() { guard.Stop() })
		options := []skeintest.Option{skeintest.InMemory()}
		if nodes > 1 {
			options = append(options, skeintest.Nodes(nodes))
		}
		node := skeintest.Start(t, options...)
		producer, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		b := &bed{T: t, node: node, producer: producer}
		b.identify()
		test(b)
	})
}

// identify has the producer ask for its id before it sends to several nodes at once. kgo asks with a mutex locked, and who
// waits for a mutex is not durably blocked: the bubble's time would stand still, and with it everything that the answer needs.
func (b *bed) identify() {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), produceMost)
	defer cancel()
	if _, _, err := b.producer.ProducerID(ctx); err != nil {
		b.Fatal("the producer's id: ", err)
	}
}

func (b *bed) topic(name string, partitions int32) {
	b.Helper()
	resp, err := kadm.NewClient(b.producer).CreateTopic(b.Context(), partitions, -1, nil, name)
	if err != nil || resp.Err != nil {
		b.Fatal(err, resp.Err)
	}
}

// produce writes values first to last-1, the number i to partition i mod partitions.
func (b *bed) produce(topic string, partitions, first, last int) {
	b.Helper()
	var records []*kgo.Record
	for i := first; i < last; i++ {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: fmt.Append(nil, i%partitions), Value: fmt.Append(nil, i)})
	}
	b.send(records...)
}

// send produces records and waits until all are acknowledged. A record that was sent does not end with its context, so Flush waits.
func (b *bed) send(records ...*kgo.Record) {
	b.Helper()
	failed := make(chan error, len(records))
	for _, r := range records {
		b.producer.Produce(b.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				failed <- err
			}
		})
	}
	ctx, cancel := context.WithTimeout(b.Context(), produceMost)
	defer cancel()
	if err := b.producer.Flush(ctx); err != nil {
		b.Fatalf("%d records are not acknowledged: %v", b.producer.BufferedProduceRecords(), err)
	}
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
}

func (b *bed) consumer(options ...consumer.Option) *consumer.Consumer {
	b.Helper()
	c, err := consumer.New(b.Context(), append([]consumer.Option{
		consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)), consumer.ResetTo(consumer.Earliest),
	}, options...)...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			b.Error("close:", err)
		}
	})
	return c
}

// poll is Poll for so long at most; no records are no error.
func (b *bed) poll(c *consumer.Consumer, wait time.Duration) []consumer.Record {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), wait)
	defer cancel()
	records, err := c.Poll(ctx)
	if err != nil && ctx.Err() == nil {
		b.Fatal("poll:", err)
	}
	return records.Slice()
}

// read polls until there are n records.
func (b *bed) read(c *consumer.Consumer, n int) []consumer.Record {
	b.Helper()
	var all []consumer.Record
	deadline := time.Now().Add(2 * time.Minute)
	for len(all) < n {
		if time.Now().After(deadline) {
			b.Fatalf("%d records of %d in two minutes", len(all), n)
		}
		all = append(all, b.poll(c, time.Second)...)
	}
	return all
}

// ordered fails unless each partition's offsets go up by one.
func (b *bed) ordered(records []consumer.Record) {
	b.Helper()
	next := map[consumer.TopicPartition]int64{}
	for _, r := range records {
		if at, known := next[r.TopicPartition()]; known && at != r.Offset {
			b.Fatalf("%v: offset %d after %d", r.TopicPartition(), r.Offset, at-1)
		}
		next[r.TopicPartition()] = r.Offset + 1
	}
}

func values(records []consumer.Record) []string {
	v := make([]string, len(records))
	for i, r := range records {
		v[i] = string(r.Value)
	}
	slices.Sort(v)
	return v
}

func TestPollAndCommit(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 3)
		b.produce("orders", 3, 0, 2000)
		c := b.consumer(consumer.Group("g"))
		if err := c.Subscribe("orders"); err != nil {
			b.Fatal(err)
		}
		got := b.read(c, 2000)
		b.ordered(got)
		if n := len(slices.Compact(values(got))); n != 2000 {
			b.Fatalf("%d different records of 2000", n)
		}
		if err := c.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.produce("orders", 3, 2000, 2010)
		next := b.consumer(consumer.Group("g"))
		if err := next.Subscribe("orders"); err != nil {
			b.Fatal(err)
		}
		if got := b.read(next, 10); len(got) != 10 || string(got[0].Value) < "2000" {
			b.Fatalf("after a clean end %d records, the first %q", len(got), got[0].Value)
		}
	})
}

func TestMembersShare(t *testing.T) {
	for name, a := range map[string][]assign.Assignor{
		"range": {assign.Range()}, "roundrobin": {assign.RoundRobin()}, "sticky": {assign.Sticky()}, "cooperative": {assign.CooperativeSticky()},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(b *bed) {
				b.topic("orders", 6)
				b.produce("orders", 6, 0, 600)
				first := b.consumer(consumer.Group("g"), consumer.Assignors(a...))
				if err := first.Subscribe("orders"); err != nil {
					b.Fatal(err)
				}
				got := b.read(first, 600)
				second := b.consumer(consumer.Group("g"), consumer.Assignors(a...))
				if err := second.Subscribe("orders"); err != nil {
					b.Fatal(err)
				}
				for i := 0; i < 100 && (len(first.Assignment()) != 3 || len(second.Assignment()) != 3); i++ {
					got = append(got, b.poll(second, 100*time.Millisecond)...)
					got = append(got, b.poll(first, 100*time.Millisecond)...)
				}
				if len(first.Assignment()) != 3 || len(second.Assignment()) != 3 {
					b.Fatalf("%v and %v", first.Assignment(), second.Assignment())
				}
				b.produce("orders", 6, 600, 1200)
				for i := 0; i < 200 && len(got) < 1200; i++ {
					got = append(got, b.poll(second, 50*time.Millisecond)...)
					got = append(got, b.poll(first, 50*time.Millisecond)...)
				}
				if v := values(got); len(v) != 1200 || len(slices.Compact(v)) != 1200 {
					b.Fatalf("%d records, %d different, of 1200", len(got), len(slices.Compact(values(got))))
				}
			})
		})
	}
}
