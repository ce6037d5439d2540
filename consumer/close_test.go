package consumer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// oneGroup is a cluster that lets the member join, and counts how often it leaves.
type oneGroup struct {
	silent
	leaves *int
}

func (oneGroup) FindCoordinator(context.Context, string) (int32, error) { return 1, nil }

func (oneGroup) Join(_ context.Context, _ int32, _ link.Group, e membership.Join) membership.Joined {
	return membership.Joined{Attempt: e.Attempt, Generation: 1, MemberID: "m", LeaderID: "another", Protocol: "range"}
}

func (oneGroup) Sync(_ context.Context, _ int32, _ link.Group, e membership.Sync) membership.Synced {
	return membership.Synced{Attempt: e.Attempt, Partitions: []TopicPartition{{Topic: "t"}}}
}

func (g oneGroup) Leave(ctx context.Context, _ int32, _ link.Group, e membership.Leave) membership.Left {
	time.Sleep(time.Millisecond)
	if ctx.Err() == nil {
		*g.leaves++
	}
	return membership.Left{Attempt: e.Attempt}
}

// asked is a cluster that knows no coordinator, and counts how often it is asked for one.
type asked struct {
	silent
	times *atomic.Int32
}

func (a asked) FindCoordinator(context.Context, string) (int32, error) {
	a.times.Add(1)
	return -1, errors.New("nobody coordinates")
}

// TestCommittedWhileItCloses: other goroutines ask for committed offsets while Close waits for what is open, and later. They learn that
// the consumer is closed, and nothing is begun for them then. What happens while Close waits is the race detector's to find.
func TestCommittedWhileItCloses(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			cluster := asked{times: new(atomic.Int32)}
			c, err := New(t.Context(), Brokers("nowhere:9092"), Group("g"), func(c *config) {
				c.connect = func(*config) (brokers, error) { return cluster, nil }
			})
			must(err)
			c.topics.byName["t"] = link.Topic{Name: "t", Partitions: make([]link.Leader, 1)}
			c.mu.Lock()
			c.background(func() { <-c.ctx.Done() })
			c.mu.Unlock()
			partition := TopicPartition{Topic: "t"}
			impatient, cancel := context.WithCancel(t.Context())
			cancel() // one question each time
			var asking sync.WaitGroup
			for range 4 {
				asking.Go(func() {
					var err error
					for !errors.Is(err, ErrClosed) {
						_, err = c.Committed(impatient, partition)
					}
				})
			}
			must(c.Close(t.Context()))
			asking.Wait()
			before := cluster.times.Load()
			if _, err := c.Committed(t.Context(), partition); !errors.Is(err, ErrClosed) {
				t.Errorf("when it is closed: %v", err)
			}
			synctest.Wait()
			if n := cluster.times.Load() - before; n != 0 {
				t.Errorf("%d questions were asked when it was closed", n)
			}
		})
	}
}

// TestCloseAfterUnsubscribe: Close leaves the group, also if Unsubscribe has left it before.
func TestCloseAfterUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneGroup{leaves: new(int)}
		c, err := New(t.Context(), Brokers("nowhere:9092"), Group("g"), NoAutoCommit(), func(c *config) {
			c.connect = func(*config) (brokers, error) { return g, nil }
		})
		must(err)
		poll := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			_, _ = c.Poll(ctx) // nothing comes
		}
		must(c.Subscribe("t"))
		poll()
		must(c.Unsubscribe())
		poll()
		must(c.Subscribe("t"))
		poll()
		if len(c.Assignment()) != 1 || *g.leaves != 1 {
			t.Fatalf("it has %v, and has left %d times", c.Assignment(), *g.leaves)
		}
		must(c.Close(t.Context()))
		if *g.leaves != 2 {
			t.Fatalf("Close has not left the group: it left %d times", *g.leaves)
		}
	})
}
