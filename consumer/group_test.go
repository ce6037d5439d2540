package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// committed is what the coordinator has of orders-p.
func (b *bed) committed(group string, p int32) int64 {
	b.Helper()
	offsets, err := kadm.NewClient(b.producer).FetchOffsets(b.Context(), group)
	b.must(err)
	o, ok := offsets.Lookup("orders", p)
	if !ok {
		return -1
	}
	return o.At
}

// diary writes down what a listener is told.
type diary struct{ lines []string }

func (d *diary) listener() consumer.Listener {
	note := func(what string) func(context.Context, *consumer.Consumer, []consumer.TopicPartition) {
		return func(_ context.Context, _ *consumer.Consumer, p []consumer.TopicPartition) {
			d.lines = append(d.lines, fmt.Sprint(what, p))
		}
	}
	return consumer.Listener{Assigned: note("assigned"), Revoked: note("revoked"), Lost: note("lost")}
}

func (d *diary) expect(b *bed, lines ...string) {
	b.Helper()
	if !slices.Equal(d.lines, lines) {
		b.Fatalf("the listener was told\n%q, not\n%q", d.lines, lines)
	}
}

// Auto commit writes what is processed at the first Poll after the deadline: not what was only delivered, and not
// without a Poll.
func TestAutoCommitDeadline(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 30)
		c := b.consumer(consumer.Group("g"), consumer.PollRecordsMax(10), consumer.AutoCommit(5*time.Second))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		if at := b.committed("g", 0); at != -1 {
			b.Fatalf("%d is committed before the deadline", at)
		}
		time.Sleep(20 * time.Second)
		if at := b.committed("g", 0); at != -1 {
			b.Fatalf("%d is committed without a Poll", at)
		}
		b.read(c, 10)
		time.Sleep(time.Second)
		if at := b.committed("g", 0); at != 10 {
			b.Fatalf("%d is committed; 10 were processed when Poll was called", at)
		}
		b.read(c, 10)
		time.Sleep(time.Second)
		if at := b.committed("g", 0); at != 10 {
			b.Fatalf("%d is committed before the next deadline", at)
		}
		b.must(c.Close(b.Context()))
		if at := b.committed("g", 0); at != 30 {
			b.Fatalf("%d is committed after Close", at)
		}
	})
}

func TestCommits(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 100)
		c := b.consumer(consumer.Group("g"), consumer.NoAutoCommit())
		b.must(c.Subscribe("orders"))
		got := b.read(c, 100)
		b.must(c.Commit(b.Context()))
		if b.committed("g", 0) != 50 || b.committed("g", 1) != 50 {
			b.Fatal("Commit writes what Poll returned")
		}
		first := got[0]
		if token := first.Token(); token.String() != fmt.Sprintf("g/%v@0 (generation %d, leader epoch %d)", first.TopicPartition(), c.GroupMetadata().Generation, first.LeaderEpoch) {
			b.Fatal(token)
		}
		b.must(c.Commit(b.Context(), consumer.CommitOffset{Partition: first.TopicPartition(), Offset: 7, LeaderEpoch: first.LeaderEpoch, Metadata: "seven"}))
		at, err := c.Committed(b.Context(), orders(0), orders(1))
		b.must(err)
		if o := at[first.TopicPartition()]; o.Offset != 7 || o.Metadata != "seven" || o.LeaderEpoch != first.LeaderEpoch {
			b.Fatalf("%+v", o)
		}
		if o, err := c.Offsets(first.TopicPartition()); err != nil || o.Committed != 7 || o.Position != 50 || o.HighWatermark != 50 {
			b.Fatal(o, err)
		}
		var calls []int64
		for i := range int64(20) {
			b.must(c.CommitAsync(func(o []consumer.CommitOffset, err error) {
				b.must(err)
				calls = append(calls, o[0].Offset)
			}, consumer.CommitOffset{Partition: orders(1), Offset: i, LeaderEpoch: -1}))
		}
		time.Sleep(time.Second)
		if len(calls) != 0 {
			b.Fatal("a callback ran outside of Poll")
		}
		b.poll(c, time.Second)
		if len(calls) != 20 || !slices.IsSorted(calls) || b.committed("g", 1) != 19 {
			b.Fatal(calls, b.committed("g", 1))
		}
		err = c.Commit(b.Context(), consumer.CommitOffset{Partition: orders(7), Offset: 1})
		if commit, ok := errors.AsType[*consumer.CommitError](err); !ok || !errors.Is(err, consumer.ErrNotAssigned) || !errors.Is(err, consumer.ErrFenced) || len(commit.Partitions) != 1 {
			b.Fatalf("%v", err)
		}
	})
}

// A member that joins takes partitions over; what the first one processed of them is committed before, so the second
// one begins behind it, and the first one delivers nothing of them any more.
func TestSafeRevocation(t *testing.T) {
	for name, a := range map[string]assign.Assignor{"range": assign.Range(), "cooperative-sticky": assign.CooperativeSticky()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(b *bed) {
				b.topic("orders", 2)
				b.produce("orders", 2, 0, 20000)
				var first, second diary
				c := b.consumer(consumer.Group("g"), consumer.Assignors(a), consumer.Listen(first.listener()), consumer.PollRecordsMax(10), consumer.AutoCommit(time.Hour))
				b.must(c.Subscribe("orders"))
				got := b.read(c, 10) // all of one partition
				d := b.consumer(consumer.Group("g"), consumer.Assignors(a), consumer.Listen(second.listener()), consumer.PollRecordsMax(10))
				b.must(d.Subscribe("orders"))
				var taken []consumer.Record
				for i := 0; i < 300 && len(taken) < 10; i++ {
					taken = append(taken, b.poll(d, 100*time.Millisecond)...)
					more := b.poll(c, 100*time.Millisecond)
					b.ordered(more)
					got = append(got, more...)
				}
				byFirst := map[int32]int64{}
				for _, r := range got {
					if len(d.Assignment()) == 1 && d.Assignment()[0] == r.TopicPartition() {
						byFirst[r.Partition] = r.Offset + 1
					}
				}
				moves := d.Assignment()[0].Partition
				if taken[0].Partition != moves || taken[0].Offset != byFirst[moves] {
					b.Fatalf("the second begins at %d of partition %d, the first ended at %d", taken[0].Offset, taken[0].Partition, byFirst[moves])
				}
				if name == "range" {
					first.expect(b, "assigned[orders-0 orders-1]", "revoked[orders-0 orders-1]", fmt.Sprintf("assigned[orders-%d]", 1-moves))
				} else if first.lines[1] != fmt.Sprintf("revoked[orders-%d]", moves) && first.lines[1] != "assigned[]" {
					b.Fatalf("%q", first.lines)
				}
			})
		})
	}
}

// While the application works, the group does not wait for a member that has nothing to give up; and a member that is
// stuck goes.
func TestPollIntervalExceeded(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 100)
		var told diary
		slow := b.consumer(consumer.Group("g"), consumer.PollIntervalMax(time.Minute), consumer.Listen(told.listener()), consumer.PollRecordsMax(10), consumer.NoAutoCommit())
		b.must(slow.Subscribe("orders"))
		b.read(slow, 10)
		time.Sleep(70 * time.Second) // a handler that does not come back in time
		other := b.consumer(consumer.Group("g"))
		b.must(other.Subscribe("orders"))
		began := time.Now()
		b.read(other, 100)
		if took := time.Since(began); took > 10*time.Second {
			b.Errorf("the other got everything after %v", took)
		}
		if err := slow.Commit(b.Context()); !errors.Is(err, consumer.ErrFenced) {
			b.Errorf("a commit of a member that is out: %v", err)
		}
		b.poll(slow, time.Second)
		if len(told.lines) < 2 || told.lines[1] != "lost[orders-0 orders-1]" {
			b.Errorf("%q", told.lines)
		}
		for i := 0; i < 50 && len(slow.Assignment()) != 1; i++ {
			b.poll(other, 100*time.Millisecond)
			b.poll(slow, 100*time.Millisecond)
		}
		if len(slow.Assignment()) != 1 || len(other.Assignment()) != 1 {
			b.Errorf("%v and %v", slow.Assignment(), other.Assignment())
		}
	})
}

// A static member that comes back gets its partitions without a rebalance of the others (KIP-345).
func TestStaticMember(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 10)
		var told diary
		stays := b.consumer(consumer.Group("g"), consumer.InstanceID("a"), consumer.Listen(told.listener()))
		b.must(stays.Subscribe("orders"))
		goes := b.consumer(consumer.Group("g"), consumer.InstanceID("b"))
		b.must(goes.Subscribe("orders"))
		both := func(other *consumer.Consumer) {
			for i := 0; i < 100 && (len(stays.Assignment()) != 1 || len(other.Assignment()) != 1); i++ {
				b.poll(stays, 100*time.Millisecond)
				b.poll(other, 100*time.Millisecond)
			}
			if len(stays.Assignment()) != 1 || len(other.Assignment()) != 1 {
				b.Fatal(stays.Assignment(), other.Assignment())
			}
		}
		both(goes)
		before := len(told.lines)
		generation := stays.GroupMetadata().Generation
		b.must(goes.Close(b.Context()))
		back := b.consumer(consumer.Group("g"), consumer.InstanceID("b"))
		b.must(back.Subscribe("orders"))
		both(back)
		if len(told.lines) != before || stays.GroupMetadata().Generation != generation {
			b.Errorf("the other static member went through a rebalance: %q", told.lines[before:])
		}
	})
}

// A second member with the same instance id fences the first (KIP-345), which is an error that says so.
func TestFenced(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		first := b.consumer(consumer.Group("g"), consumer.InstanceID("a"))
		b.must(first.Subscribe("orders"))
		for i := 0; i < 50 && len(first.Assignment()) == 0; i++ {
			b.poll(first, 100*time.Millisecond)
		}
		second := b.consumer(consumer.Group("g"), consumer.InstanceID("a"))
		b.must(second.Subscribe("orders"))
		for i := 0; i < 50 && len(second.Assignment()) == 0; i++ {
			b.poll(second, 100*time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		_, err := first.Poll(ctx)
		if group, ok := errors.AsType[*consumer.GroupError](err); !ok || !errors.Is(err, consumer.ErrFenced) || group.Group != "g" {
			b.Fatalf("%v", err)
		}
	})
}

// Unsubscribe leaves the group, and another subscription joins it again.
func TestUnsubscribe(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.topic("invoices", 1)
		b.produce("orders", 1, 0, 10)
		b.produce("invoices", 1, 10, 20)
		var told diary
		c := b.consumer(consumer.Group("g"), consumer.Listen(told.listener()))
		b.must(c.Subscribe("orders"))
		b.read(c, 10)
		b.must(c.Unsubscribe())
		b.poll(c, time.Second)
		if a := c.Assignment(); len(a) != 0 || b.committed("g", 0) != 10 {
			b.Fatal(a, b.committed("g", 0))
		}
		b.must(c.Subscribe("invoices"))
		if got := b.read(c, 10); got[0].Topic != "invoices" {
			b.Fatal(got[0])
		}
		told.expect(b, "assigned[orders-0]", "revoked[orders-0]", "assigned[invoices-0]")
	})
}

func TestMisuse(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		alone := b.consumer()
		if err := alone.Subscribe("orders"); !errors.Is(err, consumer.ErrNoGroup) {
			b.Error(err)
		}
		if err := alone.Commit(b.Context()); !errors.Is(err, consumer.ErrNoGroup) {
			b.Error(err)
		}
		b.must(alone.Assign(orders(0)))
		waiting := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, err := alone.Poll(ctx)
			waiting <- err
		}()
		time.Sleep(time.Second)
		if _, err := alone.Poll(b.Context()); !errors.Is(err, consumer.ErrConcurrentPoll) {
			b.Error(err)
		}
		if err := <-waiting; !errors.Is(err, context.DeadlineExceeded) {
			b.Error(err)
		}
		b.must(alone.Close(b.Context()))
		if _, err := alone.Poll(b.Context()); !errors.Is(err, consumer.ErrClosed) {
			b.Error(err)
		}
		for name, options := range map[string][]consumer.Option{
			"bootstrap.servers":             {consumer.Brokers()},
			"heartbeat.interval.ms":         {consumer.Brokers("x:1"), consumer.HeartbeatInterval(time.Minute)},
			"max.poll.records":              {consumer.Brokers("x:1"), consumer.PollRecordsMax(0)},
			"group.instance.id":             {consumer.Brokers("x:1"), consumer.InstanceID("a")},
			"partition.assignment.strategy": {consumer.Brokers("x:1"), consumer.Assignors(assign.Range(), assign.Range())},
		} {
			if _, err := consumer.New(b.Context(), options...); err == nil || !strings.Contains(err.Error(), name) {
				b.Errorf("%s: %v", name, err)
			}
		}
	})
}
