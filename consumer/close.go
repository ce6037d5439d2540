package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// closeTimeoutMax is how long Close takes at most if its context has no deadline (Java's default).
const closeTimeoutMax = 30 * time.Second

// Close commits what is processed if AutoCommit is on, tells the listener that the partitions are given up, leaves the
// group unless the member is static, and ends all connections. What the last Poll returned counts as processed. Close
// is for the goroutine that polls, or after it has ended.
//
// Half of the time is for the commit, if the coordinator does not answer it or refuses it all the time; what it had is read again
// by the next owner then. It is tried even if ctx was cancelled: only a deadline bounds it, 30 s if ctx has none. Close returns ctx's error if there was no time to leave the group: the coordinator finds out by the
// session timeout.
func (c *Consumer) Close(ctx context.Context) error {
	if !c.polling.CompareAndSwap(false, true) {
		return ErrConcurrentPoll
	}
	defer c.polling.Store(false)
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, closeTimeoutMax)
		defer cancel()
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	now := time.Now()
	c.closing = true
	c.table.Processed()
	assigned := c.topics.assigned
	c.left = false // after Unsubscribe it had left, too
	c.step(now, membership.PollBegan{})
	c.step(now, membership.Closed{})
	c.mu.Unlock()

	if assigned {
		c.closeAssigned(ctx)
	}
	err := c.leave(ctx)
	c.flush(ctx)
	c.mu.Lock()
	c.closed = true
	c.timer.Stop()
	c.mu.Unlock()
	c.cancel()
	c.link.Close()
	c.open.Wait()
	return err
}

// leave does what the membership asks for until it is over.
func (c *Consumer) leave(ctx context.Context) error {
	for {
		c.work(ctx)
		c.mu.Lock()
		left := c.left || c.fatal != nil
		c.mu.Unlock()
		if left {
			return nil
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("leaving the group: %w: %s", ctx.Err(), c.machine.Explain(time.Now()))
		}
	}
}

// closeAssigned commits what a consumer without a membership has processed.
func (c *Consumer) closeAssigned(ctx context.Context) {
	if !c.cfg.autoCommit || c.cfg.group == "" {
		return
	}
	c.mu.Lock()
	items := itemsOf(c.table.Committable())
	c.mu.Unlock()
	if err := c.commitNow(ctx, items); err != nil {
		c.cfg.log.Warn("commit at close", "error", err)
	}
}

// flush waits for the asynchronous commits, and runs their callbacks.
func (c *Consumer) flush(ctx context.Context) {
	done := make(chan struct{})
	err := c.enqueue(&commit{ctx: ctx, done: func(error) { close(done) }})
	if err == nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	c.work(ctx)
}
