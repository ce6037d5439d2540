package consumer_test

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer"
)

// pollUntil polls until something is so.
func (b *bed) pollUntil(c *consumer.Consumer, what string, is func() bool) {
	b.Helper()
	for range 120 {
		if is() {
			return
		}
		b.poll(c, 500*time.Millisecond)
	}
	b.Fatalf("%s: not within a minute; %v", what, c.Explain())
}

func (b *bed) owns(c *consumer.Consumer, partitions ...consumer.TopicPartition) {
	b.Helper()
	b.pollUntil(c, "the assignment", func() bool { return slices.Equal(c.Assignment(), partitions) })
}

// A member by the consumer protocol, over Kafka's bytes: it joins, gives partitions up with a commit in the epoch in which
// it has them, says so, gets others, and leaves.
func TestConsumerProtocol(t *testing.T) {
	inModernBubble(t, func(b *bed, m *modernBroker) {
		b.topic("orders", 4)
		b.produce("orders", 4, 0, 100)
		var d diary
		c := b.consumer(m.options(consumer.Listen(d.listener()))...)
		b.must(c.Subscribe("orders"))
		b.pollUntil(c, "the member joins", func() bool { return c.GroupMetadata().Generation == 1 })
		m.assign(c, 2, orders(0), orders(1), orders(2), orders(3))
		got := b.read(c, 100)
		for _, r := range got {
			if g := r.Token().Generation; g != 2 {
				b.Fatalf("%v was delivered in epoch %d, not 2", r.Token(), g)
			}
		}
		m.assign(c, 2, orders(0), orders(1)) // the epoch changes when the member has given up
		b.owns(c, orders(0), orders(1))
		b.pollUntil(c, "the member says what it has left", func() (said bool) {
			m.set(c, func(member *modernMember) { said = len(member.owned) == 2 })
			return said
		})
		if b.committed("g", 2) != 25 || b.committed("g", 3) != 25 {
			b.Fatal("what was given up is not committed")
		}
		m.assign(c, 3, orders(0), orders(1), orders(3))
		b.owns(c, orders(0), orders(1), orders(3))
		b.pollUntil(c, "the epoch", func() bool { return c.GroupMetadata().Generation == 3 })
		if s := c.Explain().String(); !strings.Contains(s, "the member has 3 partitions in epoch 3") {
			b.Fatal(s)
		}
		b.must(c.Close(b.Context()))
		d.expect(b, "assigned[]", "assigned[orders-0 orders-1 orders-2 orders-3]", "revoked[orders-2 orders-3]", "assigned[]", "assigned[orders-3]",
			"revoked[orders-0 orders-1 orders-3]")
		if !slices.Equal(m.left, []string{"-1"}) {
			b.Fatal(m.left)
		}
		for what, epochs := range map[string][]int32{"OffsetCommit": m.commits, "OffsetFetch": m.fetches} {
			if len(epochs) == 0 || slices.ContainsFunc(epochs, func(e int32) bool { return e < 2 || e > 3 }) {
				b.Fatalf("epochs of %s: %v", what, epochs)
			}
		}
	})
}

// A commit of an epoch that is over is tried again with the one that the next heartbeat brings, which is sent at once.
func TestConsumerProtocolStaleCommit(t *testing.T) {
	inModernBubble(t, func(b *bed, m *modernBroker) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		c := b.consumer(m.options(consumer.NoAutoCommit())...)
		b.must(c.Subscribe("orders"))
		b.pollUntil(c, "the member joins", func() bool { return c.GroupMetadata().Generation == 1 })
		m.assign(c, 2, orders(0))
		b.read(c, 10)
		m.set(c, func(member *modernMember) { member.epoch = 5 })
		began := time.Now()
		b.must(c.Commit(b.Context()))
		if took := time.Since(began); took > 500*time.Millisecond {
			b.Fatalf("it took %v: no heartbeat was sent for it", took)
		}
		if b.committed("g", 0) != 10 || !slices.Equal(m.commits, []int32{2, 5}) {
			b.Fatalf("%d is committed, with the epochs %v", b.committed("g", 0), m.commits)
		}
	})
}

// A member that the coordinator does not know any more loses what it has, and joins again with everything.
func TestConsumerProtocolFenced(t *testing.T) {
	inModernBubble(t, func(b *bed, m *modernBroker) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 10)
		var d diary
		c := b.consumer(m.options(consumer.Listen(d.listener()), consumer.NoAutoCommit())...)
		b.must(c.Subscribe("orders"))
		b.pollUntil(c, "the member joins", func() bool { return c.GroupMetadata().Generation == 1 })
		m.assign(c, 2, orders(0), orders(1))
		b.read(c, 10)
		m.mu.Lock()
		clear(m.members)
		m.mu.Unlock()
		time.Sleep(2 * time.Second) // no Poll, as if it worked
		if err := c.Commit(b.Context()); !errors.Is(err, consumer.ErrFenced) {
			b.Fatal(err)
		}
		b.pollUntil(c, "the member joins again", func() bool { return c.GroupMetadata().Generation == 1 })
		m.set(c, func(member *modernMember) {
			if member.full != 1 || !slices.Equal(member.topics, []string{"orders"}) || len(member.owned) > 0 {
				b.Fatalf("it joins with %+v", member)
			}
		})
		m.assign(c, 4, orders(1))
		if got := b.read(c, 5); got[0].Token().Generation != 4 {
			b.Fatal(got[0].Token())
		}
		d.expect(b, "assigned[]", "assigned[orders-0 orders-1]", "lost[orders-0 orders-1]", "assigned[]", "assigned[orders-1]")
	})
}

// A topic that the member has no name for is asked for, and had as soon as metadata tells of it.
func TestConsumerProtocolNamesTopics(t *testing.T) {
	inModernBubble(t, func(b *bed, m *modernBroker) {
		b.topic("orders", 1)
		c := b.consumer(m.options(consumer.MetadataAgeMax(10 * time.Minute))...)
		b.must(c.SubscribePattern(regexp.MustCompile("^orders")))
		b.pollUntil(c, "the member joins", func() bool { return c.GroupMetadata().Generation == 1 })
		b.topic("orders2", 1) // the next look at all topics is in ten minutes
		later := consumer.TopicPartition{Topic: "orders2"}
		m.assign(c, 2, orders(0), later)
		b.owns(c, orders(0), later)
		b.pollUntil(c, "the subscription is told", func() (said bool) {
			m.set(c, func(member *modernMember) {
				said = slices.Equal(member.topics, []string{"orders", "orders2"}) && maps.Equal(member.owned, member.assigned)
			})
			return said
		})
	})
}

// A static member leaves to come back: when it does not poll, and when it is closed.
func TestConsumerProtocolStatic(t *testing.T) {
	inModernBubble(t, func(b *bed, m *modernBroker) {
		b.topic("orders", 1)
		c := b.consumer(m.options(consumer.InstanceID("one"), consumer.PollIntervalMax(5*time.Second))...)
		b.must(c.Subscribe("orders"))
		b.pollUntil(c, "the member joins", func() bool { return c.GroupMetadata().Generation == 1 })
		time.Sleep(8 * time.Second) // no Poll
		if g := c.GroupMetadata().Generation; g != -1 {
			b.Fatalf("it is in epoch %d", g)
		}
		b.pollUntil(c, "the member joins again", func() bool { return c.GroupMetadata().Generation == 1 })
		b.must(c.Close(context.Background()))
		if !slices.Equal(m.left, []string{"-2", "-2"}) {
			b.Fatal(m.left)
		}
	})
}
