package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/decode"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
	"github.com/skein-io/skein/internal/record"
)

// silent is a cluster of which no answer comes: what is answered a test steps itself.
type silent struct{ brokers }

func (silent) FindCoordinator(ctx context.Context, _ string) (int32, error) {
	<-ctx.Done()
	return -1, ctx.Err()
}

func (silent) Join(ctx context.Context, _ int32, _ link.Group, e membership.Join) membership.Joined {
	<-ctx.Done()
	return membership.Joined{Attempt: e.Attempt, Failure: link.Failure(ctx.Err())}
}

func (silent) Sync(ctx context.Context, _ int32, _ link.Group, e membership.Sync) membership.Synced {
	<-ctx.Done()
	return membership.Synced{Attempt: e.Attempt, Failure: link.Failure(ctx.Err())}
}

func (silent) Heartbeat(ctx context.Context, _ int32, _ link.Group, e membership.Heartbeat) membership.Beaten {
	<-ctx.Done()
	return membership.Beaten{Attempt: e.Attempt, Failure: link.Failure(ctx.Err())}
}

func (silent) Committed(ctx context.Context, _ int32, _ link.Group, _ link.Asker, _ link.TopicIDs, _ []TopicPartition) (map[TopicPartition]link.CommittedItem, membership.Failure) {
	<-ctx.Done()
	return nil, link.Failure(ctx.Err())
}

func (silent) Metadata(ctx context.Context, _ []string, _ bool) ([]link.Topic, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) Fetch(ctx context.Context, _ link.FetchConfig, _ position.Plan, _ link.TopicIDs) ([]link.FetchAnswer, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) Close() {}

// TestTokenOfTheLastAssignment: a member that keeps its partitions while it joins the next generation delivers in the
// last one: until the next is assigned, its number may be given to another one, by a coordinator that has not heard of it.
func TestTokenOfTheLastAssignment(t *testing.T) {
	c, err := New(t.Context(), Brokers("nowhere:9092"), Group("g"), NoAutoCommit(), Assignors(assign.CooperativeSticky()),
		func(c *config) { c.connect = func(*config) (brokers, error) { return silent{}, nil } })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.cancel)
	name := TopicPartition{Topic: "t"}
	held := []TopicPartition{name}
	if err := c.Subscribe("t"); err != nil {
		t.Fatal(err)
	}
	c.event(membership.PollBegan{})
	c.event(membership.CoordinatorFound{Attempt: 1})
	c.event(membership.Joined{Attempt: 2, Generation: 8, MemberID: "m", LeaderID: "another", Protocol: "cooperative-sticky"})
	c.event(membership.Synced{Attempt: 3, Partitions: held})
	c.event(membership.RejoinRequested{Reason: "another is new"})
	c.event(membership.Joined{Attempt: 5, Generation: 9, MemberID: "m", LeaderID: "another", Protocol: "cooperative-sticky"})
	if g := c.GroupMetadata().Generation; g != 9 {
		t.Fatalf("the member is in generation %d", g)
	}
	if g := c.deliverOne(t, name, 0).Token().Generation; g != 8 {
		t.Fatalf("delivered in generation %d before 9 is assigned", g)
	}
	c.event(membership.Synced{Attempt: 6, Partitions: held})
	if g := c.deliverOne(t, name, 1).Token().Generation; g != 9 {
		t.Fatalf("delivered in generation %d, of 9", g)
	}
}

// deliverOne lets a record of the partition arrive, and takes it.
func (c *Consumer) deliverOne(t *testing.T, name TopicPartition, offset int64) Record {
	t.Helper()
	b := record.NewBuilder()
	b.SetBaseOffset(record.Offset(offset))
	must(b.Add(1, nil, []byte("value")))
	batch, err := b.AppendTo(nil)
	must(err)
	c.mu.Lock()
	c.table.Seek(name, position.Place{Offset: offset, LeaderEpoch: -1})
	c.table.Leads(name, 0, 0)
	for _, plan := range c.table.Plan(time.Now(), func(int32) bool { return false }) {
		plan.Sent()
	}
	arrived := &position.Fetched{Cursor: decode.New(batch, offset, nil, decode.Config{}), Bytes: len(batch), End: position.Place{Offset: offset + 1, LeaderEpoch: 0}}
	if !c.table.Arrived(name, c.table.Get(name).Stamp, position.Ends{HighWatermark: offset + 1}, arrived) {
		t.Fatal("what arrived does not count")
	}
	c.mu.Unlock()
	c.take()
	if c.records.Len() != 1 {
		t.Fatalf("%d records", c.records.Len())
	}
	return c.records.all[0]
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
