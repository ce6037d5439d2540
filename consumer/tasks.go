package consumer

import (
	"context"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// task is something that the goroutine in Poll has to do: callbacks run there.
type task struct {
	kind       taskKind
	partitions []TopicPartition
	parts      []*position.Part // the partitions of a revoke: granted again meanwhile, they are others
	ticket     uint64
	call       func() // of a callback that is no listener's
}

type taskKind int8

const (
	revoke taskKind = iota
	lost
	grant
	called
)

// work carries out the tasks in order, until there is none.
func (c *Consumer) work(ctx context.Context) {
	for {
		c.mu.Lock()
		if len(c.tasks) == 0 {
			c.mu.Unlock()
			return
		}
		t := c.tasks[0]
		c.tasks = c.tasks[1:]
		c.mu.Unlock()
		c.do(ctx, t)
	}
}

func (c *Consumer) do(ctx context.Context, t task) {
	l := c.cfg.listener
	switch t.kind {
	case called:
		t.call()
	case grant:
		if l.Assigned != nil {
			l.Assigned(ctx, c, t.partitions)
		}
	case lost:
		switch {
		case l.Lost != nil:
			l.Lost(ctx, c, t.partitions)
		case l.Revoked != nil:
			l.Revoked(ctx, c, t.partitions)
		}
	case revoke:
		c.giveUp(ctx, t)
	}
}

// giveUp commits what was processed of partitions that go to others, in the generation in which it was, tells the
// listener, and lets them go. The commit may take as long as a request; if it fails, what was not committed is read
// again by the next owner.
func (c *Consumer) giveUp(ctx context.Context, t task) {
	if c.cfg.autoCommit {
		c.mu.Lock()
		commits, limit := c.table.Committable(t.partitions...), c.cfg.requestTimeout
		if end, bounded := ctx.Deadline(); c.closing && bounded {
			limit = min(limit, time.Until(end)/2) // the rest is for LeaveGroup
		}
		c.mu.Unlock()
		if len(commits) > 0 {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
			if err := c.commitNow(ctx, itemsOf(commits)); err != nil {
				c.cfg.log.Warn("commit before partitions are given up", "error", err)
			}
			cancel()
		}
	}
	c.mu.Lock()
	revoked := c.stillHeld(t.parts)
	c.telling = t.parts
	c.mu.Unlock()
	if l := c.cfg.listener; l.Revoked != nil && len(revoked) > 0 {
		l.Revoked(ctx, c, revoked)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.telling = nil
	c.table.Remove(c.stillHeld(t.parts)...)
	c.step(time.Now(), membership.Released{Ticket: t.ticket})
}

// stillHeld are those that were not lost meanwhile. c.mu is held.
func (c *Consumer) stillHeld(parts []*position.Part) (names []TopicPartition) {
	for _, p := range parts {
		if c.table.Get(p.Name) == p {
			names = append(names, p.Name)
		}
	}
	return names
}

func itemsOf(commits []position.Commit) []CommitOffset {
	items := make([]CommitOffset, len(commits))
	for i, commit := range commits {
		items[i] = CommitOffset{Partition: commit.Name, Offset: commit.Offset, LeaderEpoch: commit.LeaderEpoch}
	}
	return items
}
