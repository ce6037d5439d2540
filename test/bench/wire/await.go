package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// AwaitAnswer returns true when an answer begins to arrive, and false at the
// given time or after Interrupt. It is for a client that has something else to
// do while a request is not answered.
func (c *Conn) AwaitAnswer(until time.Time) (bool, error) {
	if !c.await(true, until) {
		return false, nil
	}
	_, err := c.reader.Peek(1)
	c.await(false, c.deadline)
	if errors.Is(err, os.ErrDeadlineExceeded) && (c.deadline.IsZero() || time.Now().Before(c.deadline)) {
		return false, nil
	}
	return err == nil, err
}

// await begins or ends to wait. It says whether there is something to wait for.
func (c *Conn) await(begin bool, deadline time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if begin && c.interrupted {
		return false
	}
	c.awaiting = begin
	_ = c.conn.SetReadDeadline(deadline) // a failure shows in the next read
	return true
}

// Interrupt lets AwaitAnswer return, now and from now on. It may be called from
// any goroutine, and disturbs no other read.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.awaiting {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // long past
	}
}

// Await calls try until it returns nil, the context ends, or within has
// passed; it waits pause between two calls.
func Await(ctx context.Context, within, pause time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up after %v: %w", within, err)
		case <-time.After(pause):
		}
	}
}
