package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/parallel"
)

// runner is Run at work: one goroutine polls, adds and commits; the workers take what the scheduler gives.
type runner struct {
	c        *Consumer
	handler  Handler
	cfg      runConfig
	interval time.Duration
	pollMax  int
	log      *slog.Logger
	user     Listener
	onStall  func(Stall)
	elsewhere

	mu        sync.Mutex
	work      *sync.Cond // something may run, or stopping
	idle      *sync.Cond // an attempt has ended
	scheduler *parallel.Scheduler[TopicPartition, *attempts]
	held      map[TopicPartition]*holding
	stopping  bool
	failed    error
	kick      context.CancelFunc // ends the Poll that waits
	timer     *time.Timer        // wakes workers for what was delayed
}

// attempts is a record and how often its handler failed.
type attempts struct {
	record Record
	failed int
}

// holding is a partition that is assigned.
type holding struct {
	ctx       context.Context
	cancel    context.CancelFunc
	committed int64
	paused    bool
}

func (r *runner) run(ctx context.Context, c *Consumer) (err error) {
	r.c = c
	order := parallel.PerPartition
	if r.cfg.perKey {
		order, c.perKey = parallel.PerKey, true
	}
	r.work, r.idle = sync.NewCond(&r.mu), sync.NewCond(&r.mu)
	r.held = map[TopicPartition]*holding{}
	r.scheduler = parallel.New[TopicPartition, *attempts](parallel.Config{
		Order: order, Workers: r.cfg.workers, PartitionMax: r.cfg.partitionMax, TotalMax: r.cfg.totalMax, AheadMax: 4 * r.cfg.partitionMax,
		PollMax: r.pollMax, PollIntervalMax: c.cfg.pollIntervalMax,
	})
	r.cfg.drainMax = min(r.cfg.drainMax, c.cfg.pollIntervalMax/2)
	r.timer = time.AfterFunc(time.Hour, r.wakeWorkers)
	defer r.timer.Stop()
	if err := r.elsewhere.open(c); err != nil {
		return errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	defer r.elsewhere.close()

	var workers sync.WaitGroup
	for range r.cfg.workers {
		workers.Go(r.worker)
	}
	topics := r.cfg.topics
	for _, t := range r.cfg.retryTopics {
		topics = append(topics, t.Topic)
	}
	if err = c.Subscribe(topics...); err == nil {
		err = r.loop(ctx)
	}
	// Close gives all partitions up: what runs is drained and committed by the listener.
	err = errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	r.mu.Lock()
	r.stopping = true
	r.work.Broadcast()
	r.mu.Unlock()
	workers.Wait()
	return err
}

// loop polls until ctx ends or something cannot go on.
func (r *runner) loop(ctx context.Context) error {
	commitAt := time.Now().Add(r.interval)
	var damage damages
	for {
		pollCtx, deadline := r.beforePoll(ctx, commitAt)
		records, err := r.c.Poll(pollCtx)
		over := pollCtx.Err() != nil
		deadline()
		if ctx.Err() != nil {
			return nil
		}
		if failed := r.failure(); failed != nil {
			return failed
		}
		if err != nil && !(over && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))) {
			if err = damage.judge(err); err != nil {
				return err
			}
		}
		r.add(records)
		now := time.Now()
		if !now.Before(commitAt) {
			r.commitAsync()
			commitAt = now.Add(r.interval)
		}
		if err := r.waitForStuck(ctx); err != nil {
			return nil
		}
	}
}

// beforePoll pauses the partitions that have enough and resumes the others, and bounds the Poll that comes.
func (r *runner) beforePoll(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	pollCtx, cancel := context.WithDeadline(ctx, until)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kick = cancel
	for name, h := range r.held {
		if full := r.scheduler.Full(name); full != h.paused {
			r.pause(name, h, full)
		}
	}
	if r.failed != nil {
		cancel()
	}
	return pollCtx, cancel
}

// pause pauses a partition, or resumes it. r.mu is held.
func (r *runner) pause(name TopicPartition, h *holding, on bool) {
	h.paused = on
	if on {
		_ = r.c.Pause(name) // one that is not assigned any more needs no pause
	} else {
		_ = r.c.Resume(name)
	}
}

// add gives what Poll returned to the workers.
func (r *runner) add(records Records) {
	if records.Len() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for record := range records.All() {
		name, a, key := record.TopicPartition(), &attempts{record: record}, record.Key
		if r.cfg.unordered {
			key = nil // what has no key waits for nothing
		}
		err := r.scheduler.Add(name, record.Offset, record.LeaderEpoch, key, a)
		if errors.Is(err, parallel.ErrBackward) { // the log was truncated (KIP-320), or the application sought: what was before is void
			r.scheduler.Assign(name)
			r.held[name].committed = -1
			err = r.scheduler.Add(name, record.Offset, record.LeaderEpoch, key, a)
		}
		switch {
		case errors.Is(err, parallel.ErrNotHeld): // given up after Poll had taken the record: the next owner reads it
			r.log.Debug("not taken", "record", place(record), "error", err)
		case err != nil: // a partition that is full is paused; without this record, those behind it must not be taken
			r.fail(fmt.Errorf("consumer: record %s: %w", place(record), err))
			return
		}
	}
	r.wake()
}

// wake has the workers look, now and when the next delay is over. r.mu is held.
func (r *runner) wake() {
	r.work.Broadcast()
	if at, ok := r.scheduler.Wake(); ok {
		r.timer.Reset(max(time.Until(at), 0))
	}
}

// wakeWorkers is what the timer calls. A delay that is over is for a worker that waits: it sets the timer for the next one.
// Set for what is past, the timer would ring until the worker has its turn, and keep the processor from it.
func (r *runner) wakeWorkers() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.tellStalls(now)
	r.work.Broadcast()
	if at, ok := r.scheduler.Wake(); ok && at.After(now) {
		r.timer.Reset(at.Sub(now))
	}
}

func (r *runner) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// fail ends Run with an error. r.mu is held.
func (r *runner) fail(err error) {
	if r.failed == nil {
		r.failed = err
	}
	if r.kick != nil {
		r.kick()
	}
}

// tellStalls tells of handlers that work for half of max.poll.interval.ms. r.mu is held.
func (r *runner) tellStalls(now time.Time) {
	for {
		stalled, ok := r.scheduler.Stalled(now)
		if !ok {
			return
		}
		s := Stall{
			Since: now.Add(-stalled.For), Duration: stalled.For, Left: max(r.c.cfg.pollIntervalMax-stalled.For, 0),
			Records: []StalledRun{{Partition: stalled.Partition, First: stalled.Offset, Last: stalled.Offset}},
		}
		r.log.Warn("stall", "group", r.c.group.ID, "verdict", s.String())
		r.c.mu.Lock()
		r.c.counts.Stalls++
		r.c.mu.Unlock()
		if r.onStall != nil {
			go r.onStall(s) // Run does not wait for it
		}
	}
}

// waitForStuck leaves the group while a handler works for longer than max.poll.interval.ms, as a consumer does whose
// application does not call Poll: others take the partitions over. It returns when the handler has ended.
func (r *runner) waitForStuck(ctx context.Context) error {
	for {
		r.mu.Lock()
		oldest, ok := r.scheduler.Oldest(time.Now())
		r.mu.Unlock()
		if !ok || oldest.For < r.c.cfg.pollIntervalMax {
			return ctx.Err()
		}
		r.c.event(membership.PollOverdue{})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.c.cfg.retryBackoffMax):
		}
	}
}

// damages counts how often the same batch could not be read.
type damages struct {
	partition TopicPartition
	offset    int64
	n         int
}

// damagesMax is how often a damaged batch is fetched again before Run ends: bytes that were changed on the way, or on
// one replica, are right the next time.
const damagesMax = 5

func (d *damages) judge(err error) error {
	corrupt, ok := errors.AsType[*CorruptError](err)
	if !ok {
		return err
	}
	if corrupt.Partition != d.partition || corrupt.Offset != d.offset {
		*d = damages{partition: corrupt.Partition, offset: corrupt.Offset}
	}
	if d.n++; d.n >= damagesMax {
		return err
	}
	return nil
}
