package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// coordinator is the node that coordinates the group. Guarded by Consumer.mu.
type coordinator struct {
	node    int32         // -1 unknown
	finding chan struct{} // closed when the open question is answered; nil if none is open
	err     error         // of the last question
}

// findCoordinator returns the coordinator's node, and asks for it if it is not known.
func (c *Consumer) findCoordinator(ctx context.Context) (int32, error) {
	c.mu.Lock()
	if c.coord.node >= 0 {
		defer c.mu.Unlock()
		return c.coord.node, nil
	}
	if c.closed {
		c.mu.Unlock()
		return -1, ErrClosed
	}
	if c.coord.finding == nil {
		done := make(chan struct{})
		c.coord.finding = done
		c.background(func() {
			node, err := c.link.FindCoordinator(c.ctx, c.group.ID)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.coord.node, c.coord.err, c.coord.finding = node, err, nil
			close(done)
		})
	}
	done := c.coord.finding
	c.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return -1, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coord.node < 0 && c.coord.err == nil {
		return -1, errors.New("the coordinator is not known any more")
	}
	return c.coord.node, c.coord.err
}

// meetCoordinator finds the coordinator for the membership, and asks what it offers if that matters.
func (c *Consumer) meetCoordinator() (consumerProtocol bool, err error) {
	node, err := c.findCoordinator(c.ctx)
	if err != nil || c.cfg.protocol == ClassicProtocol {
		return false, err
	}
	return c.link.OffersConsumerProtocol(c.ctx, node)
}

// forgetCoordinator is called when a node has said that it is not the coordinator, or says nothing. c.mu is held.
func (c *Consumer) forgetCoordinator(now time.Time, node int32, why string) {
	if node < 0 || c.coord.node != node {
		return
	}
	c.coord.node = -1
	c.step(now, membership.CoordinatorLost{Why: why})
}

// member sends a request of the membership to the coordinator, and brings the answer back. The membership may not know that
// the node was forgotten, by a commit, while another request was open: the node is asked for then. c.mu is held.
func (c *Consumer) member(send func(node int32) membership.Event) {
	node := c.coord.node
	c.background(func() {
		if node < 0 {
			node, _ = c.findCoordinator(c.ctx) // without one the request fails, which the membership acts on
		}
		sent := time.Now()
		e := send(node)
		c.mu.Lock()
		defer c.mu.Unlock()
		if membership.Renews(e) && sent.After(c.counts.Heard) {
			c.counts.Heard = sent
		}
		c.step(time.Now(), e)
	})
}

// carryOut does what the membership has decided. c.mu is held.
func (c *Consumer) carryOut(now time.Time, e membership.Effect) {
	c.count(e)
	switch e := e.(type) {
	case membership.FindCoordinator:
		c.coord.node = -1
		c.background(func() {
			offered, err := c.meetCoordinator()
			if err != nil {
				c.event(membership.CoordinatorMissing{Attempt: e.Attempt, Failure: retriedFailure(err)})
				return
			}
			c.event(membership.CoordinatorFound{Attempt: e.Attempt, ConsumerProtocol: offered})
		})
	case membership.Join:
		c.member(func(node int32) membership.Event { return c.link.Join(c.ctx, node, c.group, e) })
	case membership.Assign:
		c.background(func() { c.assign(e) })
	case membership.Sync:
		c.member(func(node int32) membership.Event { return c.link.Sync(c.ctx, node, c.group, e) })
	case membership.Heartbeat:
		c.member(func(node int32) membership.Event { return c.link.Heartbeat(c.ctx, node, c.group, e) })
	case membership.Leave:
		c.member(func(node int32) membership.Event { return c.link.Leave(c.ctx, node, c.group, e) })
	case membership.ConsumerHeartbeat:
		c.member(func(node int32) membership.Event { return c.link.ConsumerHeartbeat(c.ctx, node, c.group, e) })
	case membership.NameTopics:
		c.topics.due(now)
	case membership.Revoke:
		c.table.Release(e.Partitions...)
		t := task{kind: revoke, partitions: e.Partitions, ticket: e.Ticket}
		for _, name := range e.Partitions {
			if p := c.table.Get(name); p != nil {
				t.parts = append(t.parts, p)
			}
		}
		c.tasks = append(c.tasks, t)
	case membership.Lose:
		c.lose(e)
	case membership.Grant:
		c.from = c.originIn(e.Generation)
		c.table.Add(e.Added...)
		c.leaders()
		c.want(now, e.Added)
		c.tasks = append(c.tasks, task{kind: grant, partitions: e.Added})
	case membership.Passed:
		c.from = c.originIn(e.Generation)
	case membership.Fail:
		c.fatal = &GroupError{Group: c.group.ID, Doing: e.Doing, Code: int16(e.Failure.Code), Text: e.Failure.Text}
	case membership.Ended:
		c.left = true
		c.from = c.originIn(-1)
	case membership.Note:
		c.lastNote = e
		c.cfg.log.Info("group", "group", c.group.ID, "member", c.machine.MemberID(), "event", e.Text)
	}
}

// deliversAs says in whose name records are delivered: in the generation in which the partitions were granted, not in one
// that is only joined. By the consumer protocol a member holds its partitions through all its epochs. c.mu is held.
func (c *Consumer) deliversAs() *origin {
	if g := c.machine.Generation(); c.machine.ConsumerProtocol() && c.from.generation != g {
		c.from = c.originIn(g)
	}
	return c.from
}

func (c *Consumer) originIn(generation int32) *origin {
	return &origin{group: c.group.ID, generation: generation, perKey: c.perKey}
}

// want has the topics of new partitions asked for if their leaders are not known.
func (c *Consumer) want(now time.Time, partitions []TopicPartition) {
	for _, name := range partitions {
		if p := c.table.Get(name); p != nil && p.Leader < 0 {
			c.topics.due(now)
			return
		}
	}
}

// lose takes partitions away at once; the listener is told in the next Poll. A Revoke that has not begun is dropped,
// because its partitions are among the lost ones. One for which Revoked runs already is not told of again.
func (c *Consumer) lose(e membership.Lose) {
	var untold []TopicPartition
	for _, name := range e.Partitions {
		p := c.table.Get(name)
		if p != nil && p.Position.Offset >= 0 && p.Position.Offset != p.Committed.Offset {
			c.lostWork = e.Reason
		}
		if p == nil || !slices.Contains(c.telling, p) {
			untold = append(untold, name)
		}
	}
	c.table.Remove(e.Partitions...)
	kept := c.tasks[:0]
	for _, t := range c.tasks {
		if t.kind != revoke {
			kept = append(kept, t)
		}
	}
	c.tasks = kept
	if len(untold) > 0 {
		c.tasks = append(c.tasks, task{kind: lost, partitions: untold})
	}
}

// assign computes the group's assignment with the assignor that the group chose, and brings it back. What it was computed from is kept if
// the member still waits for it.
func (c *Consumer) assign(e membership.Assign) {
	assigned, found := c.compute(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.machine.Awaits(e.Attempt) {
		c.topics.snapshot = map[string]int{}
		for _, m := range e.Members {
			for _, topic := range m.Topics {
				c.topics.snapshot[topic] = 0
			}
		}
		for _, t := range found {
			c.topics.snapshot[t.Name] = len(t.Partitions)
			if _, known := c.topics.byName[t.Name]; !known && t.Err == nil {
				c.topics.byName[t.Name] = t
			}
		}
	}
	c.step(time.Now(), assigned)
}

func (c *Consumer) compute(e membership.Assign) (membership.Assigned, []link.Topic) {
	fail := func(format string, args ...any) (membership.Assigned, []link.Topic) {
		return membership.Assigned{Attempt: e.Attempt, Failure: membership.Failure{Code: membership.UnknownServerError, Text: fmt.Sprintf(format, args...)}}, nil
	}
	var by assign.Assignor
	for _, a := range c.cfg.assignors {
		if a.Name() == e.Protocol {
			by = a
		}
	}
	if by == nil {
		return fail("the group chose the assignor %q, which this member did not offer", e.Protocol)
	}
	var names []string
	for _, m := range e.Members {
		names = append(names, m.Topics...)
	}
	names = sortedOnce(names)
	var found []link.Topic
	for failures := 1; ; failures++ {
		var err error
		if found, err = c.link.Metadata(c.ctx, names, c.cfg.autoCreate); err == nil {
			break
		}
		c.cfg.log.Warn("metadata for the group's assignment", "error", err)
		select {
		case <-c.ctx.Done():
			return fail("the consumer was closed")
		case <-time.After(c.pause(failures)):
		}
	}
	g := assign.Group{Members: e.Members, Partitions: map[string]int32{}}
	for _, t := range found {
		if len(t.Partitions) > 0 {
			g.Partitions[t.Name] = int32(len(t.Partitions))
		}
	}
	plan, err := by.Assign(g)
	if err != nil {
		return fail("the assignor %s failed: %v", e.Protocol, err)
	}
	assigned := membership.Assigned{Attempt: e.Attempt, Plan: plan}
	if by.Cooperative() {
		assigned.Withheld = withheld(g, plan)
	}
	return assigned, found
}

// withheld counts the partitions that a plan leaves out although somebody wants them.
func withheld(g assign.Group, plan assign.Plan) int {
	wanted := map[string]bool{}
	for _, m := range g.Members {
		for _, topic := range m.Topics {
			wanted[topic] = true
		}
	}
	n := 0
	for topic, partitions := range g.Partitions {
		if wanted[topic] {
			n += int(partitions)
		}
	}
	for _, partitions := range plan {
		n -= len(partitions)
	}
	return n
}

// retriedFailure makes errors of a search that may pass (no coordinator yet, no metadata) ones to try again.
func retriedFailure(err error) membership.Failure {
	f := link.Failure(err)
	if e, ok := errors.AsType[*kerr.Error](err); ok && e.Retriable {
		return membership.Failure{Lost: true, Text: f.Text}
	}
	return f
}
