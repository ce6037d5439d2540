package consumer_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
)

// At half of max.poll.interval.ms the verdict names what the application works on; once, and not if it comes back.
func TestStallVerdict(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 30)
		verdicts := make(chan consumer.Stall, 10)
		c := b.consumer(consumer.Group("g"), consumer.PollRecordsMax(10), consumer.PollIntervalMax(time.Minute), consumer.OnStall(func(s consumer.Stall) { verdicts <- s }))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		time.Sleep(25 * time.Second)
		b.read(c, 10)
		if len(verdicts) != 0 {
			b.Fatalf("a verdict before half of the interval: %v", <-verdicts)
		}
		time.Sleep(50 * time.Second)
		if len(verdicts) != 1 {
			b.Fatalf("%d verdicts", len(verdicts))
		}
		s := <-verdicts
		if len(s.Records) != 1 || s.Records[0] != (consumer.StalledRun{Partition: orders(0), First: 10, Last: 19}) || s.Duration != 30*time.Second || s.Left != 30*time.Second {
			b.Fatalf("%+v", s)
		}
		b.read(c, 10)
	})
}

// A Poll that returns an error returns no records, so what the Poll before it returned is not what the application works on.
func TestNoStallAfterAnError(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		var verdicts atomic.Int32
		c := b.consumer(consumer.Group("g"), consumer.PollIntervalMax(time.Minute), consumer.OnStall(func(consumer.Stall) { verdicts.Add(1) }))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		b.node.Refuse(kmsg.Fetch.Int16(), kerr.TopicAuthorizationFailed.Code, 1)
		time.Sleep(2 * time.Second) // the error is there when Poll is called
		if _, err := c.Poll(b.Context()); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			b.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		if n := verdicts.Load(); n != 0 {
			b.Fatalf("%d verdicts on records that are processed", n)
		}
	})
}

// Explain says what the consumer waits for.
func TestExplain(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 20)
		c := b.consumer(consumer.Group("g"), consumer.PollRecordsMax(10))
		says := func(part string) {
			b.Helper()
			if text := c.Explain().String(); !strings.Contains(text, part) {
				b.Fatalf("%q is not in\n%s", part, text)
			}
		}
		says("has no subscription")
		b.must(c.Subscribe("orders"))
		says("waits for the first Poll")
		b.read(c, 10)
		says("has 2 partitions in generation 1")
		says("the application works on what it has")
		says("wait for Poll (committed -1, position 0, high watermark 10)")
		b.read(c, 10)
		b.must(c.Pause(orders(0)))
		says("orders-0: is paused")
		says("orders-1: waits for node")
	})
}

// A node that does not answer a Fetch rests, and Explain says so, and why.
func TestExplainNode(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 10)
		c := b.consumer(consumer.Group("g"), consumer.Timeouts(2*time.Second, time.Minute))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		b.node.Pause()
		b.poll(c, 20*time.Second)
		e := c.Explain()
		if len(e.Nodes) != 1 || e.Nodes[0].Failures < 3 || !errors.Is(e.Nodes[0].Err, context.DeadlineExceeded) {
			b.Fatalf("%+v", e.Nodes)
		}
		if text := e.String(); !strings.Contains(text, "node 1 is asked again in") || !strings.Contains(text, "Fetch to node 1: context deadline exceeded") {
			b.Fatal(text)
		}
		b.node.Resume()
		b.produce("orders", 2, 10, 20)
		b.read(c, 10)
		if e := c.Explain(); len(e.Nodes) != 0 {
			b.Fatalf("%+v", e.Nodes)
		}
	})
}
