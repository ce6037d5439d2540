package consumer_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// skein's broker does not offer the consumer protocol: auto goes on with the classic one, whatever else the member does.
func TestAutoProtocolFallsBack(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 4)
		b.produce("orders", 4, 0, 100)
		var log strings.Builder
		auto := func(o ...consumer.Option) *consumer.Consumer {
			return b.consumer(append(o, consumer.Group("g"), consumer.GroupProtocol(consumer.AutoProtocol), consumer.RemoteAssignor("uniform"),
				consumer.Assignors(assign.CooperativeSticky()), consumer.SessionTimeout(10*time.Second), consumer.HeartbeatInterval(time.Second))...)
		}
		c := auto(consumer.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		b.must(c.SubscribePattern(regexp.MustCompile("^ord")))
		b.read(c, 100)
		b.must(c.Commit(b.Context()))
		if m := c.GroupMetadata(); m.Generation < 1 || m.ID == "" {
			b.Fatalf("%+v", m)
		}
		if !strings.Contains(log.String(), "speaks the classic protocol: the coordinator does not offer the consumer protocol") {
			b.Fatal(log.String())
		}
		another := auto()
		b.must(another.Subscribe("orders"))
		for i := 0; i < 100 && (len(c.Assignment()) != 2 || len(another.Assignment()) != 2); i++ {
			b.poll(another, 100*time.Millisecond)
			b.poll(c, 100*time.Millisecond)
		}
		if a, o := c.Assignment(), another.Assignment(); len(a) != 2 || len(o) != 2 || slices.ContainsFunc(a, func(p consumer.TopicPartition) bool { return slices.Contains(o, p) }) {
			b.Fatal(a, o)
		}
		b.must(c.Close(b.Context()))
		b.must(another.Close(b.Context()))
	})
}

// Who wants the consumer protocol and nothing else is told that there is none, and what to do. A broker that has it is the
// same to a client that keeps to older versions.
func TestConsumerProtocolIsNotOffered(t *testing.T) {
	for name, options := range map[string][]consumer.Option{
		"by the broker":                nil,
		"by the client's own versions": {consumer.Transport(kgo.MaxVersions(kversion.V3_5_0()))},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(b *bed) {
				b.topic("orders", 1)
				c := b.consumer(append(options, consumer.Group("g"), consumer.GroupProtocol(consumer.ConsumerProtocol))...)
				b.must(c.Subscribe("orders"))
				ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
				defer cancel()
				for range 2 { // each Poll says so
					_, err := c.Poll(ctx)
					refusal, ok := errors.AsType[*consumer.GroupError](err)
					if !ok || !errors.Is(err, consumer.ErrFatal) || refusal.Code != kerr.UnsupportedVersion.Code || refusal.Doing != "ConsumerGroupHeartbeat" ||
						!strings.Contains(err.Error(), "set group.protocol to classic, or to auto") {
						b.Fatal(err)
					}
				}
				b.must(c.Close(b.Context()))
			})
		})
	}
}

// A commit whose epoch is stale is tried again with the one that the member has then; an asynchronous one is not.
func TestStaleMemberEpoch(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		c := b.consumer(consumer.Group("g"), consumer.NoAutoCommit())
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		b.node.Refuse(kmsg.OffsetCommit.Int16(), kerr.StaleMemberEpoch.Code, 2)
		b.must(c.Commit(b.Context()))
		if at := b.committed("g", 0); at != 10 {
			b.Fatal(at)
		}
		b.node.Refuse(kmsg.OffsetCommit.Int16(), kerr.StaleMemberEpoch.Code, 1)
		var told error
		b.must(c.CommitAsync(func(_ []consumer.CommitOffset, err error) { told = err },
			consumer.CommitOffset{Partition: orders(0), Offset: 5, LeaderEpoch: -1}))
		for range 20 {
			ctx, cancel := context.WithTimeout(b.Context(), time.Second)
			_, _ = c.Poll(ctx)
			cancel()
		}
		if !errors.Is(told, consumer.ErrRetriable) {
			b.Fatal(told)
		}
		if at := b.committed("g", 0); at != 10 {
			b.Fatal(at)
		}
		b.must(c.Close(b.Context()))
	})
}

func TestProtocolOptions(t *testing.T) {
	for want, options := range map[string][]consumer.Option{
		"group.protocol is consumer and group.id is not set": {consumer.GroupProtocol(consumer.ConsumerProtocol)},
		"group.protocol is Protocol(7)":                      {consumer.Group("g"), consumer.GroupProtocol(7)},
		"group.remote.assignor is for":                       {consumer.Group("g"), consumer.RemoteAssignor("uniform")},
		"session.timeout.ms is for group.protocol=classic": {consumer.Group("g"), consumer.SessionTimeout(10 * time.Second),
			consumer.GroupProtocol(consumer.ConsumerProtocol)},
		"heartbeat.interval.ms is for group.protocol=classic": {consumer.Group("g"), consumer.GroupProtocol(consumer.ConsumerProtocol),
			consumer.HeartbeatInterval(time.Second)},
		"partition.assignment.strategy is for group.protocol=classic": {consumer.Group("g"), consumer.GroupProtocol(consumer.ConsumerProtocol),
			consumer.Assignors(assign.Range())},
	} {
		_, err := consumer.New(t.Context(), append(options, consumer.Brokers("localhost:9"))...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, p := range []consumer.Protocol{consumer.ClassicProtocol, consumer.ConsumerProtocol, consumer.AutoProtocol} {
		c, err := consumer.New(t.Context(), consumer.Brokers("localhost:9"), consumer.Group("g"), consumer.GroupProtocol(p))
		if err != nil {
			t.Fatal(p, err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(p, err)
		}
	}
}
