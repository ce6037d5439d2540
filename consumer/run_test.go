package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// ledger is what handlers have processed, over all members.
type ledger struct {
	mu      sync.Mutex
	done    map[string]int
	lastKey map[string]int64 // per partition and key, the last offset
	now     int
	most    int
	wrong   []string
}

func newLedger() *ledger { return &ledger{done: map[string]int{}, lastKey: map[string]int64{}} }

func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	l.most = max(l.most, l.now)
}

func (l *ledger) end(r consumer.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now--
	l.done[string(r.Value)]++
	key := fmt.Sprint(r.TopicPartition(), string(r.Key))
	if last, ok := l.lastKey[key]; ok && r.Offset <= last && l.done[string(r.Value)] == 1 {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: offset %d after %d", key, r.Offset, last))
	}
	l.lastKey[key] = r.Offset
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.done)
}

// run starts Run in the background and returns how to end it.
func (b *bed) run(handler consumer.Handler, options ...consumer.Option) (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		result <- consumer.Run(ctx, handler, append([]consumer.Option{
			consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)), consumer.ResetTo(consumer.Earliest),
			consumer.Group("g"), consumer.Topics("orders"),
		}, options...)...)
	}()
	var once sync.Once
	var err error
	end = func() error {
		once.Do(func() {
			cancel()
			err = <-result
		})
		return err
	}
	b.Cleanup(func() { _ = end() })
	return end
}

// until waits for something.
func (b *bed) until(what string, ask func() bool) {
	b.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ask(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%s: not within five minutes", what)
		}
	}
}

func TestRunPerKey(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		var records []*kgo.Record
		for i := range 960 {
			records = append(records, &kgo.Record{Topic: "orders", Key: fmt.Append(nil, i%16), Value: fmt.Append(nil, i)})
		}
		b.send(records...)
		l := newLedger()
		began := time.Now()
		end := b.run(func(_ context.Context, r consumer.Record) error {
			l.begin()
			if !r.Token().PerKey {
				return errors.New("the token does not say that records are in the order of their keys only")
			}
			time.Sleep(time.Millisecond)
			l.end(r)
			return nil
		}, consumer.PerKey(), consumer.Workers(16))
		b.until("all records", func() bool { return l.count() == 960 })
		took := time.Since(began)
		b.must(end())
		if len(l.wrong) > 0 || l.most != 16 {
			b.Errorf("%d at the same time at most; out of order: %v", l.most, l.wrong)
		}
		if at := b.committed("g", 0); at != 960 {
			b.Errorf("%d is committed", at)
		}
		b.Logf("960 records of 1 ms in %v", took)
	})
}

// A record that waits for its next attempt holds up its key and what is committed, and nothing else.
func TestRunRetries(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 1)
		var records []*kgo.Record
		for i := range 100 {
			records = append(records, &kgo.Record{Topic: "orders", Key: fmt.Append(nil, i%10), Value: fmt.Append(nil, i)})
		}
		b.send(records...)
		var tries atomic.Int64
		l := newLedger()
		end := b.run(func(_ context.Context, r consumer.Record) error {
			if r.Offset == 1 && tries.Add(1) < 5 {
				return errors.New("not yet")
			}
			l.begin()
			l.end(r)
			return nil
		}, consumer.PerKey(), consumer.Workers(4), consumer.Retries(5, 10*time.Second, time.Hour), consumer.AutoCommit(time.Second), consumer.PollIntervalMax(10*time.Minute))
		b.until("what does not wait", func() bool { return l.count() == 91 })
		time.Sleep(5 * time.Second)
		if at := b.committed("g", 0); at != 1 {
			b.Errorf("%d is committed while record 1 is tried again", at)
		}
		time.Sleep(150 * time.Second) // 10 + 20 + 40 + 80
		b.until("the rest", func() bool { return l.count() == 100 })
		b.must(end())
		if len(l.wrong) > 0 || tries.Load() != 5 || b.committed("g", 0) != 101 {
			b.Errorf("%d tries, committed %d, out of order %v", tries.Load(), b.committed("g", 0), l.wrong)
		}
	})
}

// What cannot be processed goes through the retry topics to the dead-letter topic, with a history; the rest goes on.
func TestRunDeadLetters(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		for _, topic := range []string{"orders", "orders-soon", "orders-later", "orders-dead"} {
			b.topic(topic, 1)
		}
		b.send(
			&kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("good")},
			&kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("heals"), Headers: []kgo.RecordHeader{{Key: "mine", Value: []byte("1")}}},
			&kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("bad")},
			&kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("panics")},
			&kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte("good too")},
		)
		began := time.Now()
		var mu sync.Mutex
		seen := map[string][]time.Duration{}
		end := b.run(func(_ context.Context, r consumer.Record) error {
			mu.Lock()
			defer mu.Unlock()
			seen[string(r.Value)+" in "+r.Topic] = append(seen[string(r.Value)+" in "+r.Topic], time.Since(began))
			switch string(r.Value) {
			case "bad":
				return errors.New("it is bad")
			case "panics":
				panic("boom")
			case "heals":
				if mine, _ := r.Headers.Last("mine"); string(mine) != "1" {
					return consumer.GiveUp(errors.New("its own header is gone"))
				}
				if r.Topic != "orders-soon" {
					return errors.New("not here")
				}
			}
			return nil
		}, consumer.Retries(2, time.Second, time.Second), consumer.DeadLetter("orders-dead"),
			consumer.RetryTopics(consumer.RetryTopic{Topic: "orders-soon", Delay: 10 * time.Second}, consumer.RetryTopic{Topic: "orders-later", Delay: 5 * time.Minute}))
		dead := b.consumer()
		b.must(dead.Assign(consumer.TopicPartition{Topic: "orders-dead"}))
		var letters []consumer.Record
		for deadline := time.Now().Add(time.Hour); len(letters) < 2 && time.Now().Before(deadline); {
			letters = append(letters, b.poll(dead, time.Minute)...)
		}
		b.must(end())
		mu.Lock()
		defer mu.Unlock()
		for what, n := range map[string]int{
			"good in orders": 1, "heals in orders": 2, "heals in orders-soon": 1, "bad in orders": 2, "bad in orders-soon": 2,
			"bad in orders-later": 2, "panics in orders": 1, "good too in orders": 1,
		} {
			if len(seen[what]) != n {
				b.Errorf("%s: %d times, not %d", what, len(seen[what]), n)
			}
		}
		if at := seen["bad in orders-later"][0]; at < 5*time.Minute+10*time.Second || at > 6*time.Minute {
			b.Errorf("the last retries began after %v", at)
		}
		if len(letters) != 2 || string(letters[0].Value) != "panics" || string(letters[1].Value) != "bad" {
			b.Fatalf("%d letters", len(letters))
		}
		for name, want := range map[string]string{
			consumer.HeaderTopic: "orders", consumer.HeaderOffset: "2", consumer.HeaderPartition: "0", consumer.HeaderGroup: "g",
			consumer.HeaderAttempts: "2", consumer.HeaderError: "it is bad",
		} {
			if got, _ := letters[1].Headers.Last(name); string(got) != want {
				b.Errorf("header %s is %q, not %q", name, got, want)
			}
		}
	})
}

// A record as large as its topic takes is a dead letter, too, though it is larger with its headers. What the dead-letter topic does not
// take ends Run.
func TestRunLargeDeadLetter(t *testing.T) {
	for _, most := range []string{"", "2000"} {
		inBubble(t, 1, func(b *bed) {
			b.topic("orders", 1)
			config := map[string]*string{}
			if most != "" {
				config["max.message.bytes"] = &most
			}
			if resp, err := kadm.NewClient(b.producer).CreateTopic(b.Context(), 1, -1, config, "dead"); err != nil || resp.Err != nil {
				b.Fatal(err, resp.Err)
			}
			b.send(&kgo.Record{Topic: "orders", Value: make([]byte, 999_500)})
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			result := make(chan error, 1)
			go func() {
				result <- consumer.Run(ctx, func(context.Context, consumer.Record) error { return errors.New(strings.Repeat("no", 1000)) },
					consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)), consumer.ResetTo(consumer.Earliest),
					consumer.Group("g"), consumer.Topics("orders"), consumer.DeadLetter("dead"))
			}()
			if most != "" {
				err := <-result
				failed, ok := errors.AsType[*consumer.HandlerError](err)
				if !ok || failed.Offset != 0 || !strings.Contains(err.Error(), "orders-0@0") || !strings.Contains(err.Error(), "topic dead, where it was to go, does not take it") || !strings.Contains(err.Error(), "raise its max.message.bytes") {
					b.Errorf("it ended with %v", err)
				}
				return
			}
			dead := b.consumer()
			b.must(dead.Assign(consumer.TopicPartition{Topic: "dead"}))
			var letters []consumer.Record
			for deadline := time.Now().Add(time.Hour); len(letters) == 0 && time.Now().Before(deadline); {
				letters = append(letters, b.poll(dead, time.Minute)...)
			}
			cancel()
			b.must(<-result)
			if len(letters) != 1 || len(letters[0].Value) != 999_500 {
				b.Errorf("%d dead letters", len(letters))
			}
		})
	}
}

// Without a place for it, a record that cannot be processed ends Run, and is not committed; what is in front of it is.
func TestRunEndsWithTheRecord(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 100)
		result := make(chan error, 1)
		go func() {
			result <- consumer.Run(context.Background(), func(_ context.Context, r consumer.Record) error {
				if r.Offset == 42 {
					return errors.New("no")
				}
				return nil
			}, consumer.Brokers(b.node.Bootstraps()...), consumer.Transport(kgo.Dialer(b.node.Dial)), consumer.ResetTo(consumer.Earliest),
				consumer.Group("g"), consumer.Topics("orders"))
		}()
		err := <-result
		failed, ok := errors.AsType[*consumer.HandlerError](err)
		if !ok || failed.Offset != 42 || failed.Attempts != 1 {
			b.Fatalf("%v", err)
		}
		if at := b.committed("g", 0); at != 42 {
			b.Errorf("%d is committed", at)
		}
	})
}

// A handler that is stuck is named, its member leaves the group, others take over, and it comes back when it is done.
func TestRunStuckHandler(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 2)
		b.produce("orders", 2, 0, 20)
		release := make(chan struct{})
		var stalls atomic.Int64
		var first sync.Once
		l := newLedger()
		stuck := b.run(func(ctx context.Context, r consumer.Record) error {
			wait := false
			first.Do(func() { wait = true })
			if wait {
				<-release
				return ctx.Err()
			}
			l.begin()
			l.end(r)
			return nil
		}, consumer.PollIntervalMax(time.Minute), consumer.OnStall(func(s consumer.Stall) {
			stalls.Add(1)
			if len(s.Records) != 1 || s.Records[0].First != 0 {
				b.Errorf("%v", s)
			}
		}))
		time.Sleep(90 * time.Second)
		if stalls.Load() != 1 {
			b.Errorf("%d verdicts", stalls.Load())
		}
		other := newLedger()
		end := b.run(func(_ context.Context, r consumer.Record) error {
			other.begin()
			other.end(r)
			return nil
		})
		b.until("the other to have everything", func() bool { return other.count() == 20 })
		close(release)
		b.produce("orders", 2, 20, 40)
		b.until("both to work", func() bool { return l.count() > 0 && l.count()+other.count() >= 40 })
		b.must(end())
		b.must(stuck())
	})
}

// With Unordered one key does not stop itself.
func TestRunUnordered(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 100) // one key
		l := newLedger()
		began := time.Now()
		end := b.run(func(_ context.Context, r consumer.Record) error {
			l.begin()
			time.Sleep(time.Second)
			l.end(r)
			return nil
		}, consumer.Unordered(), consumer.Workers(50))
		b.until("all records", func() bool { return l.count() == 100 })
		if took := time.Since(began); l.most != 50 || took > 10*time.Second {
			b.Errorf("%d at the same time, in %v", l.most, took)
		}
		b.must(end())
		if at := b.committed("g", 0); at != 100 {
			b.Errorf("%d is committed", at)
		}
	})
}

// Members come and go while handlers take their time. Everything is processed, in order for each key, and twice only
// what was not committed when its member had no time to.
func TestRunMembersComeAndGo(t *testing.T) {
	for name, a := range map[string]assign.Assignor{"range": assign.Range(), "cooperative-sticky": assign.CooperativeSticky()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(b *bed) {
				b.topic("orders", 6)
				random := rand.New(rand.NewPCG(1, 2))
				l := newLedger()
				start := func() func() error {
					return b.run(func(_ context.Context, r consumer.Record) error {
						l.begin()
						time.Sleep(time.Duration(r.Offset%7) * time.Millisecond)
						l.end(r)
						return nil
					}, consumer.Assignors(a), consumer.PerKey(), consumer.Workers(8), consumer.AutoCommit(100*time.Millisecond))
				}
				members := []func() error{start()}
				produced := 0
				for range 12 {
					b.produce("orders", 6, produced, produced+300)
					produced += 300
					if len(members) > 1 && random.IntN(2) == 0 {
						i := random.IntN(len(members))
						b.must(members[i]())
						members = append(members[:i], members[i+1:]...)
					} else {
						members = append(members, start())
					}
					time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				}
				b.until("all records", func() bool { return l.count() == produced })
				for _, end := range members {
					b.must(end())
				}
				twice := 0
				for _, n := range l.done {
					twice += n - 1
				}
				if len(l.wrong) > 0 || twice > 0 {
					b.Errorf("%d records were processed twice though every member left in peace; out of order: %v", twice, l.wrong)
				}
				for p := range int32(6) {
					if at := b.committed("g", p); at != int64(produced/6) {
						b.Errorf("partition %d: %d is committed of %d", p, at, produced/6)
					}
				}
			})
		})
	}
}

// Where the position goes back, records come again, and what is committed follows.
func TestRunGoesBack(t *testing.T) {
	inBubble(t, 1, func(b *bed) {
		b.topic("orders", 1)
		b.produce("orders", 1, 0, 100)
		l := newLedger()
		var c atomic.Pointer[consumer.Consumer]
		end := b.run(func(_ context.Context, r consumer.Record) error {
			l.begin()
			l.end(r)
			return nil
		}, consumer.AutoCommit(time.Second), consumer.Listen(consumer.Listener{
			Assigned: func(_ context.Context, its *consumer.Consumer, _ []consumer.TopicPartition) { c.Store(its) },
		}))
		b.until("all records", func() bool { return l.count() == 100 })
		b.until("the commit", func() bool { return b.committed("g", 0) == 100 })
		b.must(c.Load().Seek(orders(0), 40))
		b.until("the records again", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.done["40"] == 2 && l.done["99"] == 2 && l.done["39"] == 1
		})
		b.must(end())
		if at := b.committed("g", 0); at != 100 {
			b.Errorf("%d is committed", at)
		}
	})
}
