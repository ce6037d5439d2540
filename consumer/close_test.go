package consumer

import (
	"context"
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
