package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// told is a consumer on a cluster that does not answer, whose listener writes down what it is told.
func told(t *testing.T, partitions []TopicPartition, inRevoked func(*Consumer)) (c *Consumer, log *[]string) {
	t.Helper()
	log = new([]string)
	note := func(what string, then func(*Consumer)) func(context.Context, *Consumer, []TopicPartition) {
		return func(_ context.Context, c *Consumer, partitions []TopicPartition) {
			*log = append(*log, fmt.Sprint(what, " ", partitions))
			if then != nil {
				then(c)
			}
		}
	}
	c, err := New(t.Context(), Brokers("nowhere:9092"), Group("g"), NoAutoCommit(),
		Listen(Listener{Assigned: note("assigned", nil), Revoked: note("revoked", inRevoked), Lost: note("lost", nil)}),
		func(c *config) { c.connect = func(*config) (brokers, error) { return silent{}, nil } })
	if err != nil {
		t.Fatal(err)
	}
	c.table.Add(partitions...)
	for _, name := range partitions {
		c.table.Seek(name, position.Place{Offset: 7, LeaderEpoch: -1})
	}
	return c, log
}

// TestLostWhileRevoked: a partition that is lost while Revoked runs for it is not told of twice; the others are.
func TestLostWhileRevoked(t *testing.T) {
	given, kept := TopicPartition{Topic: "t", Partition: 0}, TopicPartition{Topic: "t", Partition: 1}
	c, log := told(t, []TopicPartition{given, kept}, func(c *Consumer) {
		c.effect(membership.Lose{Partitions: []TopicPartition{given, kept}, Reason: "the session expired"})
	})
	c.effect(membership.Revoke{Partitions: []TopicPartition{given}})
	c.work(t.Context())
	if want := []string{"revoked [t-0]", "lost [t-1]"}; !slices.Equal(*log, want) {
		t.Fatalf("%q; want %q", *log, want)
	}
	if c.table.Len() != 0 {
		t.Fatalf("%v is still there", c.table.All())
	}
}

// TestGrantedWhileRevoked: a partition that is lost, granted again, and has to be given up again, all while Revoked runs
// for it, is told of as the new one that it is.
func TestGrantedWhileRevoked(t *testing.T) {
	first, second := TopicPartition{Topic: "t", Partition: 0}, TopicPartition{Topic: "t", Partition: 1}
	once := false
	c, log := told(t, []TopicPartition{first}, func(c *Consumer) {
		if once {
			return
		}
		once = true
		c.effect(membership.Lose{Partitions: []TopicPartition{first}, Reason: "the session expired"})
		c.effect(membership.Grant{Added: []TopicPartition{first, second}, Generation: 3})
		c.effect(membership.Revoke{Partitions: []TopicPartition{first, second}})
	})
	t.Cleanup(c.cancel)
	c.effect(membership.Revoke{Partitions: []TopicPartition{first}})
	c.work(t.Context())
	if want := []string{"revoked [t-0]", "assigned [t-0 t-1]", "revoked [t-0 t-1]"}; !slices.Equal(*log, want) {
		t.Fatalf("%q; want %q", *log, want)
	}
	if c.table.Len() != 0 {
		t.Fatalf("%v is still there", c.table.All())
	}
}

// effect carries out what the membership could have decided.
func (c *Consumer) effect(e membership.Effect) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOut(time.Now(), e)
}

// TestLostBeforePollReturns: what is lost while Poll runs callbacks does not keep what it then returns from being committed.
func TestLostBeforePollReturns(t *testing.T) {
	gone, kept := TopicPartition{Topic: "t", Partition: 0}, TopicPartition{Topic: "t", Partition: 1}
	c, _ := told(t, []TopicPartition{gone, kept}, nil)
	t.Cleanup(c.cancel)
	c.effect(membership.Lose{Partitions: []TopicPartition{gone}, Reason: "the session expired"})
	if _, err := c.processed(); !errors.Is(err, ErrFenced) {
		t.Fatalf("what was lost can be committed: %v", err)
	}
	c.deliverOne(t, kept, 7)
	if offsets, err := c.processed(); err != nil || len(offsets) != 1 || offsets[0].Offset != 8 {
		t.Fatalf("%v, %v", offsets, err)
	}
}
