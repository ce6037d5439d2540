package perceptor

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// Changes come in any order, from any partition, up to three times; members of the group come and go; the sink fails in
// the middle of batches. Every row ends at its newest version, and everything is acknowledged.
func TestApplyChaos(t *testing.T) {
	m := newMemory()
	applyChaos(t, m, m)
}

// applyChaos applies to a sink that is m, or stands in front of it.
func applyChaos(t *testing.T, m *memory, to sink.Sink) {
	inBubble(t, func(b *bed) {
		const rows, versions = 20, 40
		random := rand.New(rand.NewPCG(3, 5))
		var changes []*change.Change
		for id := range int64(rows) {
			for v := range uint64(versions) {
				for range 1 + random.IntN(3) {
					changes = append(changes, update(id, version(int64(v/4), v*10))) // four to a millisecond
				}
			}
		}
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		m.fail = func(r *rand.Rand) bool { return r.IntN(10) == 0 }
		var counts Counts
		member := func() func() error {
			return b.start(func(ctx context.Context) error {
				return Apply(ctx, "g", []string{"shop.stock"}, to, b.options(Count(&counts), Consumer(consumer.AutoCommit(100*time.Millisecond)))...)
			})
		}
		members := []func() error{member()}
		parts := [4]int64{}
		for i, c := range changes {
			p := random.Int32N(4)
			parts[p]++
			b.put(p, c)
			if i%200 == 199 {
				if len(members) > 2 {
					if err := members[0](); err != nil {
						b.Fatal(err)
					}
					members = members[1:]
				}
				members = append(members, member())
			}
		}
		for p, n := range parts {
			b.until("the commits", func() bool { return b.committed("g", int32(p)) == n })
		}
		for _, end := range members {
			if err := end(); err != nil {
				b.Fatal(err)
			}
		}
		for id := range int64(rows) {
			if want := version((versions-1)/4, (versions-1)*10); m.rows[id] != want || m.values[id] != int64(want.Position.Offset) {
				b.Errorf("row %d ends at %s with %d, not at %s", id, m.rows[id], m.values[id], want)
			}
		}
		got := counts.Tables()["shop.stock"]
		if got.Of(change.Absent) < 1 || got.Of(change.Newer) < rows || got.Of(change.Stale) == 0 || got.Of(change.Duplicate) == 0 || got.Refused > 0 {
			b.Errorf("counted: %+v", got)
		}
		if m.largest < 2 {
			b.Error("nothing was batched")
		}
	})
}

// What cannot be read or written goes to the dead-letter topic with the reason, and the rest goes on.
func TestApplyDeadLetters(t *testing.T) {
	inBubble(t, func(b *bed) {
		m := newMemory()
		m.refuse = func(c *change.Change) error {
			if c.Image()[0].Int() == 7 {
				return errors.New("column note: the value does not fit")
			}
			return nil
		}
		b.put(0, update(1, version(1, 10)))
		b.raw(&kgo.Record{Topic: topicOfStock, Partition: 0, Key: []byte("k"), Value: []byte(`{"op":"u","after":{"id":`)})
		b.put(0, update(7, version(1, 20)), update(2, version(1, 30)))
		b.put(0, &change.Change{Op: change.Truncate, Table: stock, Version: version(1, 40)})
		b.raw(&kgo.Record{Topic: topicOfStock, Partition: 0, Key: []byte("k")}) // a tombstone
		var counts Counts
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, m, b.options(DeadLetter("dead"), Count(&counts))...)
		})
		b.until("the commit", func() bool { return b.committed("g", 0) == 6 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		dead := b.deadLetters(2)
		if !strings.Contains(dead[0], "offset 1") || !strings.Contains(dead[1], "does not fit") {
			b.Errorf("the reasons are %q", dead)
		}
		if got := counts.Tables()["shop.stock"]; got.Put() != 2 || got.Refused != 1 || got.Truncates != 1 || counts.Unread() != 1 {
			b.Errorf("counted: %+v, %d unread", got, counts.Unread())
		}
	})
}

// deadLetters are the reasons of so many records, sorted by the offset that they had.
func (b *bed) deadLetters(n int) []string {
	b.Helper()
	c, err := consumer.New(b.Context(), consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	var all []consumer.TopicPartition
	for p := range int32(4) {
		all = append(all, consumer.TopicPartition{Topic: "dead", Partition: p})
	}
	if err := c.Assign(all...); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	reasons := map[string]string{}
	for len(reasons) < n {
		records, err := c.Poll(ctx)
		if err != nil {
			b.Fatalf("%d dead letters of %d: %v", len(reasons), n, err)
		}
		for r := range records.All() {
			at, _ := r.Headers.Last(consumer.HeaderOffset)
			why, _ := r.Headers.Last(consumer.HeaderError)
			reasons[string(at)] = string(why)
		}
	}
	return []string{reasons["1"], reasons["2"]}
}

// Without a dead-letter topic the first such record ends it, by name, and is not acknowledged.
func TestApplyStops(t *testing.T) {
	inBubble(t, func(b *bed) {
		m := newMemory()
		m.refuse = func(c *change.Change) error {
			if c.Image()[0].Int() == 7 {
				return errors.New("the value does not fit")
			}
			return nil
		}
		b.put(2, update(1, version(1, 10)), update(7, version(1, 20)), update(2, version(1, 30)))
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		err := Apply(ctx, "g", []string{"shop.stock"}, m, b.options()...)
		failed, ok := errors.AsType[*consumer.HandlerError](err)
		if !ok || failed.Offset != 1 || failed.Partition.Partition != 2 || !strings.Contains(err.Error(), "shop.stock: the value does not fit") {
			b.Fatalf("it ended with %v", err)
		}
		if at := b.committed("g", 2); at > 1 {
			b.Errorf("%d is committed", at)
		}
	})
}

// A sink that is away for long loses nothing, and the member stays in the group.
func TestApplyWaitsForTheSink(t *testing.T) {
	inBubble(t, func(b *bed) {
		m := newMemory()
		back := time.Now().Add(30 * time.Minute)
		m.fail = func(*rand.Rand) bool { return time.Now().Before(back) }
		b.put(0, update(1, version(1, 10)))
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, m, b.options()...)
		})
		time.Sleep(29 * time.Minute)
		if at := b.committed("g", 0); at > 0 {
			b.Errorf("%d is committed though nothing was written", at)
		}
		b.until("the commit", func() bool { return b.committed("g", 0) == 1 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if m.calls > 29*60/5 {
			b.Errorf("%d calls in half an hour", m.calls)
		}
	})
}

// While nobody tells the types of a record's columns, it is not read without them, and is no dead letter.
func TestApplyWaitsForTypes(t *testing.T) {
	inBubble(t, func(b *bed) {
		m := newMemory()
		back := time.Now().Add(30 * time.Minute)
		read := envelope.ReadOptions{Types: func(_, _, column string) (change.Column, error) {
			if time.Now().Before(back) {
				return change.Column{}, errors.New("the server is away")
			}
			return change.Column{Name: column, Type: change.BigInt}, nil
		}}
		b.raw(&kgo.Record{Topic: topicOfStock, Partition: 0, Value: []byte(`{"database":"shop","table":"stock","type":"insert","ts":7,"primary_key_columns":["id"],"data":{"id":"9","n":"7"}}`)})
		var counts Counts
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, m, b.options(DeadLetter("dead"), Count(&counts), Read(read))...)
		})
		time.Sleep(29 * time.Minute)
		if at := b.committed("g", 0); at > 0 {
			b.Errorf("%d is committed though nothing was read", at)
		}
		b.until("the commit", func() bool { return b.committed("g", 0) == 1 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if m.values[9] != 7 || counts.Unread() > 0 {
			b.Errorf("the rows are %v, %d records are unread", m.values, counts.Unread())
		}
	})
}

// What the sink is still asked to write when the time to drain is over has ended when Apply returns.
func TestApplyLeavesNothingBehind(t *testing.T) {
	inBubble(t, func(b *bed) {
		s := &stuck{memory: newMemory()}
		b.put(0, update(1, version(1, 10)))
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, s, b.options(Consumer(consumer.DrainMax(10*time.Second)))...)
		})
		b.until("the batch", func() bool { return s.open.Load() > 0 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if n := s.open.Load(); n != 0 {
			b.Errorf("%d batches are being written when it has ended", n)
		}
		synctest.Wait()
	})
}

// stuck is a sink that writes nothing before its context ends, and then takes a while.
type stuck struct {
	*memory
	open atomic.Int32
}

func (s *stuck) Apply(ctx context.Context, _ []*change.Change, _ []outcome) error {
	s.open.Add(1)
	defer s.open.Add(-1)
	<-ctx.Done()
	time.Sleep(time.Second)
	return ctx.Err()
}

// A sink that does not say what became of a change has not written it.
func TestApplyDoubtsASilentSink(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.put(0, update(1, version(1, 10)))
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		err := Apply(ctx, "g", []string{"shop.stock"}, silent{newMemory()}, b.options(Retries(2, time.Second, time.Second))...)
		if err == nil || !strings.Contains(err.Error(), "does not say what became of a update of shop.stock") {
			b.Errorf("it ended with %v", err)
		}
	})
}

type silent struct{ *memory }

func (silent) Apply(context.Context, []*change.Change, []outcome) error { return nil }
