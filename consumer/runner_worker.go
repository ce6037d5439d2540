package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer/internal/backoff"
	"github.com/skein-io/skein/consumer/internal/parallel"
)

// worker processes records until Run ends.
func (r *runner) worker() {
	for {
		item, ctx, ok := r.next()
		if !ok {
			return
		}
		result := r.attempt(ctx, item.Payload)
		r.done(item, result)
	}
}

// next waits for a record that may run.
func (r *runner) next() (parallel.Item[TopicPartition, *attempts], context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.stopping {
			return parallel.Item[TopicPartition, *attempts]{}, nil, false
		}
		if item, ok := r.scheduler.Next(time.Now()); ok {
			if at, ok := r.scheduler.Wake(); ok {
				r.timer.Reset(max(time.Until(at), 0))
			}
			return item, r.held[item.Partition].ctx, true
		}
		r.work.Wait()
	}
}

func (r *runner) done(item parallel.Item[TopicPartition, *attempts], result verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := r.scheduler.Full(item.Partition)
	if result.fatal != nil {
		// It stays unprocessed: nothing behind it is committed.
		r.scheduler.Done(time.Now(), item.Ticket, parallel.Result{Outcome: parallel.Retry, Delay: time.Hour})
		r.fail(result.fatal)
	} else {
		r.scheduler.Done(time.Now(), item.Ticket, result.Result)
	}
	if full && !r.scheduler.Full(item.Partition) && r.kick != nil {
		r.kick()
	}
	r.idle.Broadcast()
	r.wake()
}

// verdict is what becomes of a record after an attempt.
type verdict struct {
	parallel.Result
	fatal error
}

// attempt runs the handler once, and sends the record elsewhere if it cannot be processed.
func (r *runner) attempt(ctx context.Context, a *attempts) verdict {
	if wait := time.Until(r.due(a.record)); wait > 0 {
		return verdict{Result: parallel.Result{Outcome: parallel.Retry, Delay: wait}}
	}
	err := r.handle(ctx, a.record)
	if err == nil {
		return verdict{Result: parallel.Result{Outcome: parallel.OK}}
	}
	if ctx.Err() != nil { // the partition is another's; so is the record
		return verdict{Result: parallel.Result{Outcome: parallel.Retry}}
	}
	a.failed++
	_, hopeless := errors.AsType[*giveUp](err)
	if !hopeless && a.failed < r.cfg.attemptsMax {
		delay := backoff.Pause(r.cfg.delay, r.cfg.delayMax, a.failed-1)
		r.log.Warn("handler", "record", place(a.record), "attempt", a.failed, "error", err, "again in", delay)
		return verdict{Result: parallel.Result{Outcome: parallel.Retry, Delay: delay}}
	}
	topic, due := r.nextTopic(a.record, hopeless)
	if topic == "" {
		return verdict{fatal: &HandlerError{Partition: a.record.TopicPartition(), Offset: a.record.Offset, Attempts: a.failed, Err: err}}
	}
	sent := r.send(ctx, a.record, topic, due, a.failed, err)
	if errors.Is(sent, kerr.MessageTooLarge) { // it stays so
		err = fmt.Errorf("%w; and topic %s, where it was to go, does not take it: %w: raise its max.message.bytes", err, topic, sent)
		return verdict{fatal: &HandlerError{Partition: a.record.TopicPartition(), Offset: a.record.Offset, Attempts: a.failed, Err: err}}
	}
	if sent != nil {
		r.log.Warn("record that could not be processed", "record", place(a.record), "to", topic, "error", sent)
		return verdict{Result: parallel.Result{Outcome: parallel.Retry, Delay: r.cfg.delayMax}}
	}
	r.log.Warn("handler", "record", place(a.record), "attempts", a.failed, "error", err, "sent to", topic)
	return verdict{Result: parallel.Result{Outcome: parallel.GiveUp}}
}

func place(r Record) string { return fmt.Sprintf("%v@%d", r.TopicPartition(), r.Offset) }

// handle calls the handler; a panic is an error of this record.
func (r *runner) handle(ctx context.Context, record Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = GiveUp(fmt.Errorf("the handler panicked: %v\n%s", p, debug.Stack()))
		}
	}()
	return r.handler(ctx, record)
}
