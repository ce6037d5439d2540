package consumer

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// slowCommits is a cluster that answers OffsetCommit when the test lets it, and counts.
type slowCommits struct {
	silent
	answer chan membership.Failure
	sent   *[]link.CommitItem
	left   *[]int32 // the nodes that LeaveGroup went to
}

func (slowCommits) FindCoordinator(context.Context, string) (int32, error) { return 1, nil }

func (s slowCommits) Commit(ctx context.Context, _ int32, _ link.Group, _ string, _ int32, _ link.TopicIDs, items []link.CommitItem) (map[TopicPartition]error, membership.Failure) {
	*s.sent = append(*s.sent, items...)
	select {
	case f := <-s.answer:
		return nil, f
	case <-ctx.Done():
		return nil, membership.Failure{Lost: true, Text: ctx.Err().Error()}
	}
}

func (s slowCommits) Leave(_ context.Context, node int32, _ link.Group, e membership.Leave) membership.Left {
	*s.left = append(*s.left, node)
	return membership.Left{Attempt: e.Attempt}
}

// inGeneration is a member in generation 8 that has the partition, and whose commits are slow.
func inGeneration(t *testing.T, name TopicPartition) (*Consumer, slowCommits) {
	t.Helper()
	slow := slowCommits{answer: make(chan membership.Failure), sent: new([]link.CommitItem), left: new([]int32)}
	c, err := New(t.Context(), Brokers("nowhere:9092"), Group("g"), NoAutoCommit(), Assignors(assign.CooperativeSticky()), func(c *config) {
		c.connect = func(*config) (brokers, error) { return slow, nil }
	})
	must(err)
	must(c.Subscribe(name.Topic))
	c.event(membership.PollBegan{})
	synctest.Wait() // the coordinator is found
	c.event(membership.Joined{Attempt: 2, Generation: 8, MemberID: "m", LeaderID: "another", Protocol: "cooperative-sticky"})
	c.event(membership.Synced{Attempt: 3, Partitions: []TopicPartition{name}})
	c.work(t.Context())
	return c, slow
}

// TestCommitOfAnEarlierAssignment: a commit that waits for another one while its partition is lost and granted again is
// not written: in the new assignment it may be ahead of what is processed, or go back.
func TestCommitOfAnEarlierAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := TopicPartition{Topic: "t"}
		c, slow := inGeneration(t, name)
		defer c.cancel()
		ended := map[int64]error{}
		commit := func(offset int64) {
			must(c.CommitAsync(func(_ []CommitOffset, err error) { ended[offset] = err }, CommitOffset{Partition: name, Offset: offset}))
			synctest.Wait()
		}
		commit(5) // is sent, and waits for its answer
		commit(7)
		c.effect(membership.Lose{Partitions: []TopicPartition{name}, Reason: "the session expired"})
		c.effect(membership.Grant{Added: []TopicPartition{name}, Generation: 8})
		commit(9) // the application does not know yet that this is another assignment
		slow.answer <- membership.Failure{}
		synctest.Wait()
		c.work(t.Context())
		commit(3)
		slow.answer <- membership.Failure{}
		synctest.Wait()
		c.work(t.Context())
		for _, offset := range []int64{7, 9} {
			if err := ended[offset]; !errors.Is(err, ErrFenced) || !errors.Is(err, ErrNotAssigned) {
				t.Errorf("the commit of %d: %v", offset, err)
			}
		}
		if sent := *slow.sent; len(sent) != 2 || sent[0].At.Offset != 5 || sent[1].At.Offset != 3 || ended[5] != nil || ended[3] != nil {
			t.Errorf("sent %v; ended %v", sent, ended)
		}
	})
}

// TestCommitWhileJoining: a member that joins the next generation with what it has is told ILLEGAL_GENERATION of a commit.
// That is no verdict on its partitions: JoinGroup will tell. When it has joined, nothing is committed until it knows what
// it has there.
func TestCommitWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := TopicPartition{Topic: "t"}
		c, slow := inGeneration(t, name)
		defer c.cancel()
		refused := func() (err error) {
			must(c.CommitAsync(func(_ []CommitOffset, e error) { err = e }, CommitOffset{Partition: name, Offset: 5}))
			slow.answer <- membership.Failure{Code: membership.IllegalGeneration, Text: "the generation is 9"}
			synctest.Wait()
			c.work(t.Context())
			return err
		}
		c.event(membership.RejoinRequested{Reason: "another is new"})
		if err := refused(); !errors.Is(err, ErrRetriable) || c.Assignment() == nil {
			t.Errorf("while it joins with %v: %v", c.Assignment(), err)
		}
		c.event(membership.Joined{Attempt: 5, Generation: 9, MemberID: "m", LeaderID: "another", Protocol: "cooperative-sticky"})
		var err error
		must(c.CommitAsync(func(_ []CommitOffset, e error) { err = e }, CommitOffset{Partition: name, Offset: 5}))
		synctest.Wait()
		c.work(t.Context())
		if !errors.Is(err, ErrRetriable) || len(*slow.sent) != 1 {
			t.Errorf("while it does not know its partitions: %v; sent %v", err, *slow.sent)
		}
		c.event(membership.Synced{Attempt: 6, Partitions: []TopicPartition{name}})
		if err := refused(); !errors.Is(err, ErrFenced) || c.Assignment() != nil {
			t.Errorf("in its generation, with %v left: %v", c.Assignment(), err)
		}
	})
}

// TestCommitAfterLeaving: a commit of a member that has left meanwhile is not written in nobody's name.
func TestCommitAfterLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := TopicPartition{Topic: "t"}
		c, slow := inGeneration(t, name)
		defer c.cancel()
		var ended error
		must(c.CommitAsync(nil, CommitOffset{Partition: name, Offset: 5}))
		synctest.Wait()
		must(c.CommitAsync(func(_ []CommitOffset, err error) { ended = err }, CommitOffset{Partition: name, Offset: 7}))
		must(c.Unsubscribe())
		c.work(t.Context())
		synctest.Wait()
		if c.GroupMetadata().Generation >= 0 {
			t.Fatal("it has not left")
		}
		slow.answer <- membership.Failure{}
		synctest.Wait()
		c.work(t.Context())
		if !errors.Is(ended, ErrFenced) || len(*slow.sent) != 1 {
			t.Errorf("the commit: %v; sent %v", ended, *slow.sent)
		}
	})
}

// TestLeaveWhenTheCoordinatorIsForgotten: a commit that finds out that the coordinator is gone, while JoinGroup is open,
// does not keep the member from leaving: the coordinator is looked for again.
func TestLeaveWhenTheCoordinatorIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := TopicPartition{Topic: "t"}
		c, slow := inGeneration(t, name)
		must(c.CommitAsync(nil, CommitOffset{Partition: name, Offset: 5}))
		c.event(membership.RejoinRequested{Reason: "another is new"}) // JoinGroup is open
		slow.answer <- membership.Failure{Lost: true, Text: "the connection was lost"}
		synctest.Wait()
		if err := c.Close(t.Context()); err != nil || !slices.Equal(*slow.left, []int32{1}) {
			t.Errorf("LeaveGroup went to %v, and Close says %v", *slow.left, err)
		}
	})
}
