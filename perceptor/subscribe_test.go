package perceptor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

type outcome = sink.Outcome

// Two subscribers each have everything, in order for each row, with the version that the source gave.
func TestSubscribe(t *testing.T) {
	inBubble(t, func(b *bed) {
		const rows, versions = 8, 50
		for v := range uint64(versions) {
			for id := range int64(rows) {
				b.put(int32(id%4), update(id, version(int64(v), v*100+uint64(id))))
			}
		}
		var mu sync.Mutex
		got := map[string][]change.Version{}
		subscribe := func(group string) func() error {
			return b.start(func(ctx context.Context) error {
				return Subscribe(ctx, group, []string{"shop.stock"}, func(_ context.Context, e Event) error {
					time.Sleep(time.Duration(e.Offset%5) * time.Millisecond)
					if e.Token.Group != group || e.Topic != topicOfStock || e.Table.Name != "stock" {
						return fmt.Errorf("the event is of %s, %s, %s", e.Token.Group, e.Topic, e.Table)
					}
					mu.Lock()
					defer mu.Unlock()
					key := fmt.Sprint(group, e.After[0].Int())
					got[key] = append(got[key], e.Version)
					return nil
				}, b.options()...)
			})
		}
		ends := []func() error{subscribe("one"), subscribe("two")}
		b.until("all of both", func() bool {
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, all := range got {
				n += len(all)
			}
			return n == 2*rows*versions
		})
		for _, end := range ends {
			if err := end(); err != nil {
				b.Fatal(err)
			}
		}
		for key, all := range got {
			for i := 1; i < len(all); i++ {
				if all[i].Compare(all[i-1]) <= 0 {
					b.Fatalf("%s: %s after %s", key, all[i], all[i-1])
				}
			}
		}
	})
}

// A handler that fails is tried again, and the row's next change waits for it.
func TestSubscribeTriesAgain(t *testing.T) {
	inBubble(t, func(b *bed) {
		b.put(0, update(1, version(1, 10)), update(1, version(2, 20)))
		var seen []uint64
		done := make(chan struct{})
		end := b.start(func(ctx context.Context) error {
			return Subscribe(ctx, "g", []string{"shop.stock"}, func(_ context.Context, e Event) error {
				seen = append(seen, e.Version.Position.Offset)
				if len(seen) < 3 {
					return errors.New("not now")
				}
				if len(seen) == 4 {
					close(done)
				}
				return nil
			}, b.options()...)
		})
		<-done
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if want := []uint64{10, 10, 10, 20}; fmt.Sprint(seen) != fmt.Sprint(want) {
			b.Errorf("handled %v, not %v", seen, want)
		}
	})
}

func TestMisuse(t *testing.T) {
	for what, options := range map[string][]Option{"workers": {Workers(0)}, "batches": {Batches(0, 1)}, "attempts": {Retries(0, 0, 0)}} {
		if err := Subscribe(t.Context(), "g", []string{"a.b"}, nil, options...); err == nil {
			t.Errorf("%s: nothing is refused", what)
		}
	}
	if err := Apply(t.Context(), "g", nil, nil); err == nil {
		t.Error("no table is no fault")
	}
	if err := Apply(t.Context(), "", []string{"a.b"}, newMemory()); err == nil {
		t.Error("no group is no fault")
	}
}

// Of a topic that has several tables only those that are wanted come.
func TestSubscribeFrom(t *testing.T) {
	inBubble(t, func(b *bed) {
		other := *stock
		other.Name = "other"
		unwanted := update(7, version(1, 5))
		unwanted.Table = &other
		b.put(0, unwanted, update(1, version(1, 10)))
		got := make(chan *change.Change, 2)
		wants := func(database, table string) bool { return database == "shop" && table == "stock" }
		end := b.start(func(ctx context.Context) error {
			return Subscribe(ctx, "g", nil, func(_ context.Context, e Event) error { got <- e.Change; return nil }, b.options(Prefix("no"), From([]string{topicOfStock}, wants))...)
		})
		if c := <-got; c.Table.Name != "stock" || c.After[0].Int() != 1 {
			b.Errorf("it is a change of %s", c.Table)
		}
		if err := end(); err != nil || len(got) > 0 {
			b.Fatal(err, len(got))
		}
	})
}
