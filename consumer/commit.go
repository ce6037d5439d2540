package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// CommitOffset is an offset to be committed: that of the next record to be read, so one more than that of the last
// processed one.
type CommitOffset struct {
	Partition   TopicPartition
	Offset      int64
	LeaderEpoch int32 // of the last processed record; -1 if it is not known
	Metadata    string
}

// After is the offset to commit when the record is processed.
func (r Record) After() CommitOffset {
	return CommitOffset{Partition: r.TopicPartition(), Offset: r.Offset + 1, LeaderEpoch: r.LeaderEpoch}
}

// commitsWaitingMax bounds the asynchronous commits that wait for the coordinator.
const commitsWaitingMax = 1000

// commits are those that are open. They are sent one after the other in the order of the calls, so a commit never
// overwrites a later one. Guarded by Consumer.mu.
type commits struct {
	queue []*commit
	busy  bool
	auto  deadline
}

// commit is one call. It is of the assignments that the partitions had then: if one is given up and granted again before
// the commit is sent, its position has gone back to what is committed, or others have gone on.
type commit struct {
	ctx   context.Context
	items []CommitOffset
	of    []*position.Part // of the items; nil if it was not the application's
	// member: a member of the group made it. It is not to be written in nobody's name, which an empty group lets happen, when
	// the member has left.
	member bool
	retry  bool
	done   func(error)
}

// deadline is the rule of auto commit: due once the time has come, then again after the interval; after a failure that
// may pass, after a pause.
type deadline struct {
	on       bool
	interval time.Duration
	pause    time.Duration
	at       time.Time
	open     bool // one is on its way
}

func (d *deadline) due(now time.Time) bool { return d.on && !d.open && !now.Before(d.at) }

func (d *deadline) sent(now time.Time) { d.open, d.at = true, now.Add(d.interval) }

func (d *deadline) ended(now time.Time, err error) {
	d.open = false
	if errors.Is(err, ErrRetriable) {
		if again := now.Add(d.pause); again.Before(d.at) {
			d.at = again
		}
	}
}

func (s *commits) init(now time.Time, cfg config) {
	s.auto = deadline{on: cfg.autoCommit && cfg.group != "", interval: cfg.autoCommitInterval, pause: cfg.retryBackoff, at: now.Add(cfg.autoCommitInterval)}
}

// Commit writes offsets, and waits until the coordinator has. Without offsets it writes what Poll has returned so far:
// the call says that it is processed. It delivers nothing and heartbeats go on meanwhile. It tries again until ctx ends, or, if
// ctx has no deadline, for default.api.timeout.ms.
//
// The error is ErrNoGroup, ErrClosed, or a *CommitError: ErrFenced if partitions are not this member's any more (what
// was processed will be read again by their owner), ErrRetriable if the time was too short.
func (c *Consumer) Commit(ctx context.Context, offsets ...CommitOffset) error {
	if c.cfg.group == "" {
		return ErrNoGroup
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.apiTimeout)
		defer cancel()
	}
	if len(offsets) == 0 {
		var err error
		if offsets, err = c.processed(); err != nil {
			return err
		}
	}
	return c.commitNow(ctx, offsets)
}

// processed is what a commit without offsets writes.
func (c *Consumer) processed() ([]CommitOffset, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lostWork != "" {
		return nil, c.commitError(ErrFenced, nil, "partitions are another's now: "+c.lostWork)
	}
	c.table.Processed()
	return itemsOf(c.table.Committable()), nil
}

func (c *Consumer) commitNow(ctx context.Context, offsets []CommitOffset) error {
	if len(offsets) == 0 {
		return nil
	}
	done := make(chan error, 1)
	if err := c.enqueue(&commit{ctx: ctx, items: offsets, retry: true, done: func(err error) { done <- err }}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return c.commitError(ErrRetriable, ctx.Err(), "the time was over before the coordinator answered; it may be written")
	}
}

// CommitAsync writes offsets, or what Poll has returned so far, and does not wait. It is not tried again. The callback,
// which may be nil, runs in a later Poll, or in Close; callbacks come in the order of the calls.
func (c *Consumer) CommitAsync(callback func(offsets []CommitOffset, err error), offsets ...CommitOffset) error {
	if c.cfg.group == "" {
		return ErrNoGroup
	}
	if len(offsets) == 0 {
		var err error
		if offsets, err = c.processed(); err != nil {
			return err
		}
	}
	return c.enqueue(&commit{ctx: c.ctx, items: offsets, done: func(err error) {
		if callback == nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tasks = append(c.tasks, task{kind: called, call: func() { callback(offsets, err) }})
		c.wakePoll()
	}})
}

// autoCommit commits what is processed if the deadline is over. c.mu is held.
func (c *Consumer) autoCommit(now time.Time) {
	if !c.commits.auto.due(now) {
		return
	}
	items := itemsOf(c.table.Committable())
	if c.topics.assigned { // offsets that nobody subscribes to expire by the time of their commit
		items = itemsOf(c.table.ProcessedAll())
	}
	c.commits.auto.sent(now)
	if len(items) == 0 {
		c.commits.auto.ended(now, nil)
		return
	}
	c.push(&commit{ctx: c.ctx, items: items, done: func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.commits.auto.ended(time.Now(), err)
		if err != nil {
			c.cfg.log.Warn("auto commit", "error", err)
		}
	}})
}

func (c *Consumer) enqueue(op *commit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if !op.retry && len(c.commits.queue) >= commitsWaitingMax {
		return c.commitError(ErrRetriable, nil, fmt.Sprintf("%d commits wait for the coordinator already", commitsWaitingMax))
	}
	c.push(op)
	return nil
}

// push has a commit sent when it is its turn. c.mu is held.
func (c *Consumer) push(op *commit) {
	op.member = c.isMember()
	for _, o := range op.items {
		op.of = append(op.of, c.toldOf(o.Partition))
	}
	c.commits.queue = append(c.commits.queue, op)
	if !c.commits.busy {
		c.commits.busy = true
		c.background(c.sendCommits)
	}
}

// toldOf is the partition, if the application was told that it is its own: nil while Assigned is still to be called. c.mu is
// held.
func (c *Consumer) toldOf(name TopicPartition) *position.Part {
	for _, t := range c.tasks {
		if t.kind == grant && slices.Contains(t.partitions, name) {
			return nil
		}
	}
	return c.table.Get(name)
}

func (c *Consumer) sendCommits() {
	for {
		c.mu.Lock()
		if len(c.commits.queue) == 0 {
			c.commits.busy = false
			c.mu.Unlock()
			return
		}
		op := c.commits.queue[0]
		c.commits.queue = c.commits.queue[1:]
		c.mu.Unlock()
		err := c.send(op)
		c.mu.Lock()
		switch {
		case err != nil:
			c.counts.CommitsFailed++
		case len(op.items) > 0:
			c.counts.Commits++
		}
		c.mu.Unlock()
		op.done(err)
	}
}

// send carries a commit out, with as many tries as it may have.
func (c *Consumer) send(op *commit) error {
	if len(op.items) == 0 {
		return nil
	}
	for failures := 1; ; failures++ {
		err := c.sendOnce(op)
		if err == nil || !op.retry || !errors.Is(err, ErrRetriable) {
			return err
		}
		select {
		case <-op.ctx.Done():
			return err
		case <-c.ctx.Done():
			return err
		case <-time.After(c.pause(failures)):
		}
	}
}

func (c *Consumer) sendOnce(op *commit) error {
	node, err := c.findCoordinator(op.ctx)
	if err != nil {
		f := retriedFailure(err)
		if f.Lost {
			return c.commitError(ErrRetriable, err, "the coordinator is not known: "+err.Error())
		}
		return c.commitError(ErrFatal, err, err.Error())
	}
	items, ids, memberID, generation, err := c.prepareCommit(op)
	if err != nil || len(items) == 0 {
		return err
	}
	refused, f := c.link.Commit(op.ctx, node, c.group, memberID, generation, ids, items)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commitAnswer(time.Now(), op, node, items, generation, refused, f)
}

// isMember reports whether the consumer is in the group, or on its way into it. c.mu is held.
func (c *Consumer) isMember() bool { return c.topics.subscribed() || c.machine.Generation() >= 0 }

// prepareCommit looks what of a commit is still this member's to write.
func (c *Consumer) prepareCommit(op *commit) (items []link.CommitItem, ids idTable, memberID string, generation int32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	generation = -1
	if op.member || c.isMember() {
		memberID, generation = c.machine.MemberID(), c.machine.Generation()
		if generation < 0 {
			return nil, ids, "", -1, c.commitError(ErrFenced, nil, "the member is not in the group: "+c.machine.Explain(time.Now()))
		}
		missing := map[TopicPartition]error{}
		for i, o := range op.items {
			if p := op.of[i]; p == nil || c.table.Get(o.Partition) != p {
				missing[o.Partition] = ErrNotAssigned
			}
		}
		if len(missing) > 0 {
			e := c.commitError(ErrFenced, ErrNotAssigned, "")
			e.Partitions = missing
			return nil, ids, "", -1, e
		}
		if generation != c.deliversAs().generation {
			// The member has joined this generation and does not know its partitions in it: what it holds may be another's there.
			return nil, ids, "", -1, c.commitError(ErrRetriable, nil, "a rebalance is under way: "+c.machine.Explain(time.Now()))
		}
	}
	var names []string
	for _, o := range op.items {
		items = append(items, link.CommitItem{Name: o.Partition, At: position.Place{Offset: o.Offset, LeaderEpoch: o.LeaderEpoch}, Metadata: o.Metadata})
		names = append(names, o.Partition.Topic)
	}
	slices.SortFunc(items, func(a, b link.CommitItem) int { return a.Name.Compare(b.Name) })
	return items, c.topics.idsOf(names), memberID, generation, nil
}

// commitAnswer acts on the answer. c.mu is held.
func (c *Consumer) commitAnswer(now time.Time, op *commit, node int32, items []link.CommitItem, generation int32, refused map[TopicPartition]error, f membership.Failure) error {
	if f.OK() {
		for _, item := range items {
			if refused[item.Name] == nil {
				c.table.WasCommitted(position.Commit{Name: item.Name, Place: item.At})
			}
		}
		if len(refused) > 0 {
			e := c.commitError(ErrFatal, nil, "")
			e.Partitions = refused
			return e
		}
		return nil
	}
	cause := errors.New(f.Text)
	switch {
	case f.Lost, f.Code == membership.NotCoordinator, f.Code == membership.CoordinatorNotAvailable:
		c.forgetCoordinator(now, node, f.Text)
		return c.commitError(ErrRetriable, cause, f.Text)
	case f.Code == membership.CoordinatorLoadInProgress, f.Code == membership.RequestTimedOut:
		return c.commitError(ErrRetriable, cause, f.Text)
	case f.Code == membership.RebalanceInProgress:
		c.step(now, membership.GenerationLost{Generation: generation, Code: f.Code})
		return c.commitError(ErrRetriable, cause, f.Text)
	case f.Code == membership.StaleMemberEpoch: // the member goes over to another epoch, with which it is tried again
		if c.machine.ConsumerProtocol() {
			c.step(now, membership.GenerationLost{Generation: generation, Code: f.Code})
		}
		return c.commitError(ErrRetriable, cause, f.Text)
	case f.Code == membership.IllegalGeneration, f.Code == membership.UnknownMemberID, f.Code == membership.FencedInstanceID:
		if now := c.machine.Generation(); now >= 0 && now != generation && !c.machine.ConsumerProtocol() {
			return c.commitError(ErrRetriable, cause, f.Text) // a rebalance ended while it was on its way
		}
		c.step(now, membership.GenerationLost{Generation: generation, Code: f.Code})
		if c.machine.Generation() == generation && c.machine.Rejoins() {
			return c.commitError(ErrRetriable, cause, f.Text) // that will tell what becomes of its partitions
		}
		return c.commitError(ErrFenced, cause, f.Text)
	}
	return c.commitError(ErrFatal, cause, f.Text)
}

func (c *Consumer) commitError(class, cause error, text string) *CommitError {
	return &CommitError{Group: c.group.ID, class: class, cause: cause, text: text}
}
