package consumer_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
)

// hostility is one way in which a broker answers nonsense, and what the consumer makes of it.
type hostility struct {
	name  string
	spoil func(*answer)
	// says is in the error of a Poll, in the log at level WARN or above, or in Explain.
	says string
	// fatal: every Poll fails from then on. Otherwise the consumer goes on, and reads everything when the broker is honest.
	fatal bool
	// restart: what a connection was told about versions counts as long as it stands.
	restart bool
	// rejoin: the coordinator believes what it was told in this member's name until the group rebalances.
	rejoin bool
	// brief: each answer costs the test much.
	brief bool
	// atClose: there is nothing to be spoiled before.
	atClose bool
}

// A broker that answers nonsense is found out: an error says what it is, or the consumer tries on and says so. Nothing
// hangs, nothing that was never written is delivered, and when the broker is honest again everything is read.
func TestHostileBroker(t *testing.T) {
	for _, h := range slices.Concat(
		spoiledFrames(kmsg.ApiVersions), spoiledFrames(kmsg.Metadata), spoiledFrames(kmsg.FindCoordinator), spoiledFrames(kmsg.JoinGroup),
		spoiledFrames(kmsg.SyncGroup), spoiledFrames(kmsg.OffsetFetch), spoiledFrames(kmsg.Fetch),
		spoiledPauses, spoiledTopics, spoiledGroups, spoiledRecords,
	) {
		t.Run(h.name, func(t *testing.T) { suffers(t, h) })
	}
}

const hostileRecords = 40

func suffers(t *testing.T, h hostility) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, hostileRecords)
		broker := &hostile{node: b.node}
		broker.turn(h.spoil)
		var log notes
		c := b.through(broker, &log)
		b.must(c.Subscribe("orders"))

		var memory runtime.MemStats
		var most uint64
		seen := map[int]int{}
		told := ""
		fatal := false
		patience := time.Minute
		if h.brief {
			patience = 5 * time.Second
		}
		for began := time.Now(); time.Since(began) < patience && !fatal; {
			err := b.take(c, seen, 2*time.Second)
			if err != nil {
				told += err.Error() + "\n"
				fatal = errors.Is(err, consumer.ErrFatal) || errors.Is(err, consumer.ErrFenced)
			}
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
		}
		told += log.String() + c.Explain().String()
		if broker.spoiled() == 0 && !h.atClose {
			b.Error("nothing was spoiled")
		}
		if fatal != h.fatal {
			b.Errorf("fatal: %v\n%s", fatal, told)
		}
		if !slices.ContainsFunc(strings.Split(h.says, "|"), func(says string) bool { return says != "" && strings.Contains(told, says) }) {
			b.Errorf("%q is not in\n%s", h.says, told[:min(len(told), 4000)])
		}
		if most > 1<<30 {
			b.Errorf("%d MiB were in use", most>>20)
		}
		if fatal {
			if err := b.take(c, seen, time.Second); err == nil {
				b.Error("the next Poll does not fail")
			}
			b.closes(c)
			return
		}
		broker.turn(nil)
		if h.restart {
			b.node.CutConnections()
		}
		if h.rejoin {
			b.must(c.Unsubscribe())
			b.must(b.take(c, seen, time.Second))
			b.must(c.Subscribe("orders"))
		}
		for began := time.Now(); len(seen) < hostileRecords && time.Since(began) < 3*time.Minute; {
			_ = b.take(c, seen, time.Second)
		}
		if len(seen) != hostileRecords {
			b.Errorf("%d of %d records were read when the broker was honest again:\n%v", len(seen), hostileRecords, c.Explain())
		}
		broker.turn(h.spoil)
		b.closes(c)
	})
}

// through makes a consumer behind the hostile broker.
func (b *bed) through(broker *hostile, log *notes, options ...consumer.Option) *consumer.Consumer {
	b.Helper()
	c, err := consumer.New(b.Context(), append([]consumer.Option{
		consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(broker.dial)), consumer.ResetTo(consumer.Earliest), log.option(),
		consumer.Group("g"), consumer.Timeouts(3*time.Second, 10*time.Second), consumer.MetadataAgeMax(10 * time.Second),
		consumer.SessionTimeout(10 * time.Second), consumer.PollIntervalMax(20 * time.Second),
	}, options...)...)
	b.must(err)
	return c
}

// take polls once, and notes the records. Each has to be one that was written.
func (b *bed) take(c *consumer.Consumer, seen map[int]int, wait time.Duration) error {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), wait)
	defer cancel()
	records, err := c.Poll(ctx)
	for _, r := range records.Slice() {
		i, bad := strconv.Atoi(string(r.Value))
		if bad != nil || int32(i%2) != r.Partition || int64(i/2) != r.Offset || r.Topic != "orders" {
			b.Fatalf("%v@%d has the value %q", r.TopicPartition(), r.Offset, r.Value)
		}
		seen[i]++
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// closes has Close return within its bound, whatever it returns.
func (b *bed) closes(c *consumer.Consumer) {
	b.Helper()
	const bound = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	began := time.Now()
	err := c.Close(ctx)
	if took := time.Since(began); took > bound+time.Second {
		b.Errorf("Close took %v", took)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		b.Error("close:", err)
	}
}

// Assign refuses what cannot be a partition.
func TestAssignImpossible(t *testing.T) {
	c, err := consumer.New(t.Context(), consumer.Brokers("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context()) //nolint:errcheck // it was never connected
	for _, p := range []consumer.TopicPartition{orders(-1), {Partition: 1}} {
		if err := c.Assign(p); err == nil || !strings.Contains(err.Error(), "cannot be") {
			t.Errorf("Assign(%v): %v", p, err)
		}
	}
}

// Close leaves the group within its time, though the coordinator does not answer the last commit, or says all the time that the
// group rebalances.
func TestCloseWithoutCommit(t *testing.T) {
	// Half of the time is for the commit. Then the coordinator, which has not answered, is looked for.
	const whole = 10 * time.Second
	const half = whole/2 + time.Second
	for name, c := range map[string]struct {
		spoil func(*answer)
		most  time.Duration
	}{
		"silent":      {framed(kmsg.OffsetCommit, func(a *answer) { a.silent, a.changed = true, true }), half},
		"rebalancing": {written(func(p *kmsg.OffsetCommitResponseTopicPartition) { p.ErrorCode = kerr.RebalanceInProgress.Code }), half},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(b *bed) {
				b.topic("orders", 2)
				b.produce("orders", 2, 0, hostileRecords)
				broker := &hostile{node: b.node}
				left := false
				broker.turn(func(a *answer) {
					left = left || a.key == kmsg.LeaveGroup.Int16()
					c.spoil(a)
				})
				var log notes
				member := b.through(broker, &log, consumer.AutoCommit(time.Hour), consumer.Timeouts(30*time.Second, time.Minute))
				b.must(member.Subscribe("orders"))
				for seen := map[int]int{}; len(seen) < hostileRecords; {
					b.must(b.take(member, seen, time.Second))
				}
				ctx, cancel := context.WithTimeout(b.Context(), whole)
				defer cancel()
				began := time.Now()
				b.must(member.Close(ctx))
				if took := time.Since(began); took > c.most || !left || broker.spoiled() == 0 {
					b.Errorf("Close took %v, and LeaveGroup was sent: %v\n%s", took, left, log.String())
				}
			})
		})
	}
}
