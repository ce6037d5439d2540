package consumer

import "context"

// Listener is told when partitions come and go. Its methods run within Poll or Close, so they may call Commit, Seek and
// the like, but not Poll. The context is that of Poll or Close. What they take counts against max.poll.interval.ms.
type Listener struct {
	// Assigned: these partitions are new. Nothing of them was delivered yet; Seek sets where they begin.
	Assigned func(ctx context.Context, c *Consumer, partitions []TopicPartition)
	// Revoked: these partitions go to others. Nothing of them is delivered any more. What was processed is committed
	// already if AutoCommit is on; else this is the last moment for Commit. They are given up when Revoked returns.
	Revoked func(ctx context.Context, c *Consumer, partitions []TopicPartition)
	// Lost: these partitions are another's already, because the member was out of the group: its session expired, or
	// it exceeded max.poll.interval.ms. Nothing can be committed for them. If Lost is nil, Revoked is called.
	Lost func(ctx context.Context, c *Consumer, partitions []TopicPartition)
}
