package consumer

import (
	"context"
	"slices"
	"time"
)

// listener follows the assignment, and tells the application's own listener.
func (r *runner) listener() Listener {
	return Listener{Assigned: r.assigned, Revoked: r.revoked, Lost: r.lost}
}

func (r *runner) assigned(ctx context.Context, c *Consumer, partitions []TopicPartition) {
	r.mu.Lock()
	for _, name := range partitions {
		h := &holding{committed: -1}
		h.ctx, h.cancel = context.WithCancel(context.Background())
		r.held[name] = h
		r.scheduler.Assign(name)
		r.pause(name, h, r.scheduler.Full(name)) // all may have taken as much as may be; this Poll must bring no more
	}
	r.mu.Unlock()
	if r.user.Assigned != nil {
		r.user.Assigned(ctx, c, partitions)
	}
}

// revoked lets what runs of these partitions end, for a while, commits what is processed, and forgets the rest.
func (r *runner) revoked(ctx context.Context, c *Consumer, partitions []TopicPartition) {
	r.drain(partitions)
	if offsets := r.frontiers(partitions); len(offsets) > 0 {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.requestTimeout)
		if err := c.Commit(bounded, offsets...); err != nil {
			r.log.Warn("commit before partitions are given up", "error", err)
		}
		cancel()
	}
	if r.user.Revoked != nil {
		r.user.Revoked(ctx, c, partitions)
	}
	r.drop(partitions)
}

func (r *runner) lost(ctx context.Context, c *Consumer, partitions []TopicPartition) {
	r.drop(partitions)
	switch {
	case r.user.Lost != nil:
		r.user.Lost(ctx, c, partitions)
	case r.user.Revoked != nil:
		r.user.Revoked(ctx, c, partitions)
	}
}

// drain waits until nothing of the partitions runs, or the time for it is over: then the contexts of what runs end.
func (r *runner) drain(partitions []TopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range partitions {
		r.scheduler.Drain(name)
	}
	over := false
	timer := time.AfterFunc(r.cfg.drainMax, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		over = true
		r.idle.Broadcast()
	})
	defer timer.Stop()
	for !over && slices.ContainsFunc(partitions, func(name TopicPartition) bool { return !r.scheduler.Drained(name) }) {
		r.idle.Wait()
	}
}

func (r *runner) drop(partitions []TopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range partitions {
		if h := r.held[name]; h != nil {
			h.cancel()
			delete(r.held, name)
		}
		r.scheduler.Drop(name)
	}
}

// frontiers are what is processed and not committed, of some partitions or, without names, of all.
func (r *runner) frontiers(names []TopicPartition) []CommitOffset {
	r.mu.Lock()
	defer r.mu.Unlock()
	var offsets []CommitOffset
	for name, at := range r.scheduler.Frontiers() {
		h := r.held[name]
		if h == nil || h.committed == at.Offset || names != nil && !slices.Contains(names, name) {
			continue
		}
		offsets = append(offsets, CommitOffset{Partition: name, Offset: at.Offset, LeaderEpoch: at.LeaderEpoch})
	}
	return offsets
}

// commitAsync commits what is processed.
func (r *runner) commitAsync() {
	offsets := r.frontiers(nil)
	if len(offsets) == 0 {
		return
	}
	err := r.c.CommitAsync(func(offsets []CommitOffset, err error) {
		if err != nil {
			r.log.Warn("commit", "error", err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, o := range offsets {
			if h := r.held[o.Partition]; h != nil {
				h.committed = o.Offset
			}
		}
	}, offsets...)
	if err != nil {
		r.log.Warn("commit", "error", err)
	}
}
