package consumer_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/wiretap"
)

// listened is the way of a consumer to its brokers, which is listened to, and on which the coordinator can be muted.
type listened struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu        sync.Mutex
	muted     bool
	committed []int32 // partitions of answered OffsetCommits
}

func (l *listened) connect(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &wiretap.Mutable{Conn: raw}
	return wiretap.New(conn, wiretap.Groups, func(key protocol.Key) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.muted && wiretap.ForCoordinator[key] {
			conn.Silence()
		}
	}, func(x wiretap.Exchange) {
		request, ok := x.Request.(*protocol.OffsetCommitRequest)
		if !ok {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, t := range request.Topics {
			for _, p := range t.Partitions {
				l.committed = append(l.committed, p.PartitionIndex)
			}
		}
	}), nil
}

func (l *listened) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.muted = true
}

// partitions are those that were committed, once each.
func (l *listened) partitions() []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := slices.Clone(l.committed)
	slices.Sort(p)
	return slices.Compact(p)
}

// TestEachMemberCommitsItsOwn: nobody commits for another, the consumer leader neither.
func TestEachMemberCommitsItsOwn(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 4)
		var links []*listened
		var members []*consumer.Consumer
		for range 2 {
			l := &listened{dial: b.node.Dial}
			c := b.consumer(consumer.Group("g"), consumer.NoAutoCommit(), consumer.Transport(kgo.Dialer(l.connect)))
			b.must(c.Subscribe("orders"))
			links, members = append(links, l), append(members, c)
		}
		assigned := func() (all []int32) {
			for _, c := range members {
				b.poll(c, time.Second)
				for _, p := range c.Assignment() {
					all = append(all, p.Partition)
				}
			}
			return all
		}
		for deadline := time.Now().Add(2 * time.Minute); len(members[0].Assignment()) != 2 || len(members[1].Assignment()) != 2; assigned() {
			if time.Now().After(deadline) {
				b.Fatalf("%v and %v are assigned", members[0].Assignment(), members[1].Assignment())
			}
		}
		b.produce("orders", 4, 0, 40)
		for i, c := range members {
			b.read(c, 20)
			b.must(c.Commit(b.Context()))
			var own []int32
			for _, p := range c.Assignment() {
				own = append(own, p.Partition)
			}
			slices.Sort(own)
			if got := links[i].partitions(); !slices.Equal(got, own) {
				b.Errorf("member %d has %v, and committed %v", i, own, got)
			}
		}
		for p := range int32(4) {
			if at := b.committed("g", p); at != 10 {
				b.Errorf("%d is committed in partition %d", at, p)
			}
		}
	})
}

// TestCommitIsBounded: Commit to a coordinator that never answers ends with default.api.timeout.ms, or with its context.
func TestCommitIsBounded(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		const api = 20 * time.Second
		l := &listened{dial: b.node.Dial}
		c := b.consumer(consumer.Group("g"), consumer.NoAutoCommit(), consumer.Transport(kgo.Dialer(l.connect)), consumer.Timeouts(5*time.Second, api),
			consumer.SessionTimeout(5*time.Minute), consumer.PollIntervalMax(10*time.Minute))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		l.mute()
		begun := time.Now()
		err := c.Commit(context.Background())
		if took := time.Since(begun); !errors.Is(err, consumer.ErrRetriable) || took < api-time.Second || took > api+time.Second {
			b.Errorf("without a deadline it took %v: %v", took, err)
		}
		ctx, cancel := context.WithTimeout(b.Context(), 3*time.Second)
		defer cancel()
		begun = time.Now()
		err = c.Commit(ctx)
		if took := time.Since(begun); !errors.Is(err, consumer.ErrRetriable) || took != 3*time.Second {
			b.Errorf("with 3 s it took %v: %v", took, err)
		}
		if at := b.committed("g", 0); at != -1 {
			b.Errorf("%d is committed", at)
		}
	})
}

// TestCommittedOffsetsAreInTheLog: what was committed is there after the power went, for it was read back from __consumer_offsets.
func TestCommittedOffsetsAreInTheLog(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		c := b.consumer(consumer.Group("g"), consumer.NoAutoCommit())
		b.must(c.Subscribe("orders"))
		b.read(c, 7)
		b.must(c.Commit(b.Context(), consumer.CommitOffset{Partition: consumer.TopicPartition{Topic: "orders"}, Offset: 7, LeaderEpoch: -1}))
		b.node.Crash()
		b.node.Open()
		if at := b.committed("g", 0); at != 7 {
			b.Errorf("%d is committed", at)
		}
	})
}
