package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
)

func orders(partition int32) consumer.TopicPartition {
	return consumer.TopicPartition{Topic: "orders", Partition: partition}
}

// must fails if err is one.
func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func TestAssignAndSeek(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 100)
		time.Sleep(time.Hour)
		later := time.Now()
		b.produce("orders", 2, 100, 200)
		c := b.consumer()
		b.must(c.Assign(orders(1)))
		got := b.read(c, 100)
		b.ordered(got)
		if got[0].Partition != 1 || string(got[99].Value) != "199" {
			b.Fatalf("%v", got[99])
		}
		if at, err := c.Position(orders(1)); err != nil || at != 100 {
			b.Fatal(at, err)
		}
		if lag, err := c.Lag(orders(1)); err != nil || lag != 0 {
			b.Fatal(lag, err)
		}
		for name, seek := range map[string]struct {
			do    func() error
			first int64
		}{
			"offset":    {func() error { return c.Seek(orders(1), 40) }, 40},
			"beginning": {func() error { return c.SeekToBeginning(orders(1)) }, 0},
			"time":      {func() error { return c.SeekToTime(orders(1), later) }, 50},
		} {
			b.must(seek.do())
			if got := b.read(c, 1); got[0].Offset != seek.first {
				b.Errorf("%s: the first record has offset %d, not %d", name, got[0].Offset, seek.first)
			}
		}
		b.must(c.SeekToEnd(orders(1)))
		if got := b.poll(c, 5*time.Second); len(got) != 0 {
			b.Errorf("%d records behind the end", len(got))
		}
		b.must(c.Seek(orders(1), 0))
		b.must(c.SeekToTime(orders(1), later.Add(time.Hour))) // nothing is that young
		if got := b.poll(c, 5*time.Second); len(got) != 0 {
			b.Errorf("%d records are younger than the youngest", len(got))
		}
		if err := c.Seek(orders(0), 1); !errors.Is(err, consumer.ErrNotAssigned) {
			b.Errorf("seek in a partition of nobody: %v", err)
		}
		times, err := c.OffsetsForTimes(b.Context(), map[consumer.TopicPartition]time.Time{orders(0): later, orders(1): later.Add(time.Hour)})
		if err != nil || times[orders(0)].Offset != 50 || times[orders(1)].Offset != -1 {
			b.Errorf("%v, %v", times, err)
		}
		ends, err := c.EndOffsets(b.Context(), orders(0), orders(1))
		if err != nil || ends[orders(0)] != 100 || ends[orders(1)] != 100 {
			b.Errorf("%v, %v", ends, err)
		}
		ends, err = c.BeginningOffsets(b.Context(), orders(0))
		if err != nil || ends[orders(0)] != 0 {
			b.Errorf("%v, %v", ends, err)
		}
	})
}

func TestPause(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 100)
		c := b.consumer()
		b.must(c.Assign(orders(0), orders(1)))
		b.must(c.Pause(orders(0)))
		for _, r := range b.read(c, 50) {
			if r.Partition != 1 {
				b.Fatalf("a record of a paused partition: %v", r)
			}
		}
		if got := b.poll(c, 5*time.Second); len(got) != 0 {
			b.Fatalf("%d records of a paused partition", len(got))
		}
		if p := c.Paused(); len(p) != 1 || p[0] != orders(0) {
			b.Fatal(p)
		}
		b.must(c.Resume(orders(0)))
		b.ordered(b.read(c, 50))
	})
}

// The policy decides where a partition goes that has lost what it was to read, and the application is told.
func TestOutOfRange(t *testing.T) {
	for name, policy := range map[string]struct {
		reset consumer.Reset
		first string
	}{"earliest": {consumer.Earliest, "60"}, "latest": {consumer.Latest, "100"}, "none": {consumer.None, ""}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(b *bed) {
				b.topic("orders", 1)
				b.produce("orders", 1, 0, 100)
				offsets := kadm.Offsets{}
				offsets.AddOffset("orders", 0, 60, -1)
				_, err := kadm.NewClient(b.producer).DeleteRecords(b.Context(), offsets)
				b.must(err)
				var told []consumer.PositionReset
				c := b.consumer(consumer.ResetTo(policy.reset), consumer.OnReset(func(r consumer.PositionReset) { told = append(told, r) }))
				b.must(c.Assign(orders(0)))
				b.must(c.Seek(orders(0), 10))
				if policy.first == "" {
					for range 2 { // it is said as often as it is asked for
						_, err := c.Poll(b.Context())
						no, ok := errors.AsType[*consumer.NoOffsetError](err)
						if !ok || no.Partition != orders(0) || no.Position != 10 {
							b.Fatalf("%v", err)
						}
					}
					b.must(c.Seek(orders(0), 70))
					if got := b.read(c, 1); string(got[0].Value) != "70" {
						b.Fatalf("%v", got[0])
					}
					return
				}
				if got := b.poll(c, 5*time.Second); len(got) > 0 && policy.reset == consumer.Latest {
					b.Fatalf("%d records behind the end", len(got))
				} else if len(got) > 0 && string(got[0].Value) != policy.first {
					b.Fatalf("%v", got[0])
				}
				if len(told) != 1 || told[0].From != 10 {
					b.Fatalf("told: %v", told)
				}
				if policy.reset == consumer.Latest {
					b.produce("orders", 1, 100, 101)
					if got := b.read(c, 1); string(got[0].Value) != policy.first {
						b.Fatalf("%v", got[0])
					}
				}
			})
		})
	}
}

func TestPattern(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.topic("invoices", 1)
		b.produce("orders", 1, 0, 10)
		b.produce("invoices", 1, 10, 20)
		c := b.consumer(consumer.Group("g"), consumer.MetadataAgeMax(time.Minute))
		b.must(c.SubscribePattern(regexp.MustCompile("^or")))
		b.read(c, 10)
		b.topic("orphans", 2)
		b.produce("orphans", 2, 20, 30)
		got := b.read(c, 10)
		if got[0].Topic != "orphans" {
			b.Fatalf("%v", got[0])
		}
		if a := c.Assignment(); len(a) != 3 {
			b.Fatal(a)
		}
	})
}

// A topic that grows is noticed by the group's leader.
func TestTopicGrows(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		c := b.consumer(consumer.Group("g"), consumer.MetadataAgeMax(time.Minute))
		b.must(c.Subscribe("orders"))
		b.produce("orders", 1, 0, 1)
		b.read(c, 1)
		_, err := kadm.NewClient(b.producer).UpdatePartitions(b.Context(), 3, "orders")
		b.must(err)
		deadline := time.Now().Add(3 * time.Minute)
		for len(c.Assignment()) != 3 && time.Now().Before(deadline) {
			b.poll(c, time.Second)
		}
		if a := c.Assignment(); len(a) != 3 {
			b.Fatal(a)
		}
	})
}

// A topic that is deleted under its consumer is an error with a name, and not silence.
func TestTopicDeleted(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 10)
		c := b.consumer(consumer.NoTopicCreation())
		b.must(c.Assign(orders(0)))
		b.read(c, 10)
		_, err := kadm.NewClient(b.producer).DeleteTopics(b.Context(), "orders")
		b.must(err)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		_, err = c.Poll(ctx)
		p, ok := errors.AsType[*consumer.PartitionError](err)
		if !ok || p.Partition != orders(0) || !errors.Is(err, kerr.UnknownTopicOrPartition) {
			b.Fatalf("%v", err)
		}
	})
}

func TestCodecsAndHeaders(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		n := 0
		for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
			p, err := kgo.NewClient(kgo.SeedBrokers(b.node.Bootstraps()...), kgo.Dialer(b.node.Dial), kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic("orders"))
			b.must(err)
			var records []*kgo.Record
			for range 50 {
				records = append(records, &kgo.Record{
					Key: fmt.Append(nil, n), Value: fmt.Appendf(nil, "%0100d", n),
					Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, n)}, {Key: "null"}, {Key: "n", Value: []byte("last")}},
				})
				n++
			}
			b.must(p.ProduceSync(b.Context(), records...).FirstErr())
			p.Close()
		}
		c := b.consumer()
		b.must(c.Assign(orders(0)))
		kept := b.read(c, n)
		b.ordered(kept)
		b.produce("orders", 1, 0, 1000)
		b.read(c, 1000) // what was returned before must not change by it
		for i, r := range kept {
			if string(r.Key) != fmt.Sprint(i) || string(r.Value) != fmt.Sprintf("%0100d", i) {
				b.Fatalf("record %d is %q=%q", i, r.Key, r.Value)
			}
			var headers []string
			for k, v := range r.Headers.All() {
				headers = append(headers, fmt.Sprintf("%s=%s,%v", k, v, v == nil))
			}
			want := fmt.Sprintf("[n=%d,false null=,true n=last,false]", i)
			if last, ok := r.Headers.Last("n"); fmt.Sprint(headers) != want || r.Headers.Len() != 3 || !ok || string(last) != "last" {
				b.Fatalf("record %d has headers %v, not %s", i, headers, want)
			}
		}
	})
}
