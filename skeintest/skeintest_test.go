package skeintest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

func client(t *testing.T, node *skeintest.Node, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(node.Bootstrap()), kgo.Dialer(node.Dial), kgo.AllowAutoTopicCreation()}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func produce(t *testing.T, c *kgo.Client, topic string, n int) {
	t.Helper()
	for i := range n {
		r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Appendf(nil, "v%d", i)}
		if err := c.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// consume polls until n records came.
func consume(t *testing.T, c *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func TestStoppedAndOpenedAgainKeepsItsData(t *testing.T) {
	node := skeintest.Start(t)
	c := client(t, node)
	produce(t, c, "orders", 50)
	node.Stop()
	node.Open()
	reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("readers"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer reader.Close()
	if got := len(consume(t, reader, 50)); got != 50 {
		t.Errorf("consumed %d records, want 50", got)
	}
	c.Close()
}

// TestTakeover kills a member of a group of two in a bubble: the other gets its partitions when the session is over,
// and goes on from what was committed.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("num.partitions", "4"))
		producer := client(t, node)
		produce(t, producer, "orders", 40)
		member := func() *kgo.Client {
			return client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("readers"),
				kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.SessionTimeout(10*time.Second))
		}
		first := member()
		records := consume(t, first, 40)
		if err := first.CommitRecords(context.Background(), records...); err != nil {
			t.Fatal(err)
		}
		first.LeaveGroup()
		first.Close()
		second := member()
		produce(t, producer, "orders", 8)
		if got := len(consume(t, second, 8)); got != 8 {
			t.Errorf("the second member read %d records, want the 8 new ones", got)
		}
		second.Close()
		producer.Close()
		node.Stop()
	})
}

// TestCrashKeepsWhatWasAcknowledged cuts the power under a producer.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory(), skeintest.Seed(seed))
			producer := client(t, node)
			produce(t, producer, "orders", 30)
			node.Crash()
			node.Open()
			reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			for i, r := range consume(t, reader, 30) {
				if want := fmt.Sprintf("v%d", i); string(r.Value) != want || r.Offset != int64(i) {
					t.Fatalf("seed %d: record %d is %q at offset %d, want %q", seed, i, r.Value, r.Offset, want)
				}
			}
			reader.Close()
			producer.Close()
			node.Stop()
		})
	}
}
