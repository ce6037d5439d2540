package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/position"
)

// PositionReset tells of a position that auto.offset.reset has set: there was none, or it was not in the log.
type PositionReset struct {
	Partition TopicPartition
	From      int64 // -1 if there was none
	To        int64
	Why       string
}

// OnReset is called, within Poll, whenever the policy of ResetTo sets a position: records may have been skipped, or
// will be read again.
func OnReset(f func(PositionReset)) Option { return func(c *config) { c.onReset = f } }

// Offsets is what is known of a partition, without asking for it. Unknown offsets are -1.
//
// The log end offset is not among them: brokers tell consumers the high watermark, behind which nothing can be read, and nothing
// that lies there is acknowledged to a producer with acks=all. skein tells both to `skein group lag`.
type Offsets struct {
	Committed        int64 // the last that this consumer read or wrote
	Position         int64 // of the next record that Poll returns
	HighWatermark    int64 // as the last Fetch told it
	LastStableOffset int64
	LogStartOffset   int64
}

// Lag is how many offsets lie between the position and the end that the consumer can read to, never negative; -1 if it
// is not known.
func (o Offsets) Lag(readCommitted bool) int64 {
	end := o.HighWatermark
	if readCommitted {
		end = o.LastStableOffset
	}
	if end < 0 || o.Position < 0 {
		return -1
	}
	return max(end-o.Position, 0)
}

// Offsets tells what is known of a partition; ErrNotAssigned if it is not this consumer's.
func (c *Consumer) Offsets(p TopicPartition) (Offsets, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	part := c.table.Get(p)
	if part == nil {
		return Offsets{}, fmt.Errorf("%w: %v", ErrNotAssigned, p)
	}
	return offsetsOf(part), nil
}

// Lag is that of Offsets, for this consumer's isolation level.
func (c *Consumer) Lag(p TopicPartition) (int64, error) {
	o, err := c.Offsets(p)
	return o.Lag(c.cfg.readCommitted), err
}

// Position is the offset of the next record that Poll returns of the partition; -1 if that is not known yet.
func (c *Consumer) Position(p TopicPartition) (int64, error) {
	o, err := c.Offsets(p)
	return o.Position, err
}

// Seek sets the position. What was fetched already is dropped. It is also what a commit writes until Poll has returned
// records of the partition.
func (c *Consumer) Seek(p TopicPartition, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("consumer: offset %d: it must not be negative; for the ends there are SeekToBeginning and SeekToEnd", offset)
	}
	return c.move(p, func() bool { return c.table.Seek(p, position.Place{Offset: offset, LeaderEpoch: -1}) })
}

// SeekTo is Seek with the leader epoch of the record in front, so that a log that was truncated meanwhile is noticed
// (KIP-320). Metadata is ignored.
func (c *Consumer) SeekTo(o CommitOffset) error {
	return c.move(o.Partition, func() bool {
		return c.table.Seek(o.Partition, position.Place{Offset: max(o.Offset, 0), LeaderEpoch: o.LeaderEpoch})
	})
}

// SeekToBeginning sets the position to the first record that there is, when it is next needed.
func (c *Consumer) SeekToBeginning(p TopicPartition) error {
	return c.move(p, func() bool { return c.table.SeekTo(p, position.Reset{Kind: position.ToEarliest}) })
}

// SeekToEnd sets the position behind the last record that there is, when it is next needed.
func (c *Consumer) SeekToEnd(p TopicPartition) error {
	return c.move(p, func() bool { return c.table.SeekTo(p, position.Reset{Kind: position.ToLatest}) })
}

// SeekToTime sets the position to the first record that is not older than t, when it is next needed; behind the last
// one if all are.
func (c *Consumer) SeekToTime(p TopicPartition, t time.Time) error {
	return c.move(p, func() bool {
		return c.table.SeekTo(p, position.Reset{Kind: position.AtTimestamp, Timestamp: t.UnixMilli()})
	})
}

func (c *Consumer) move(p TopicPartition, how func() bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if !how() {
		return fmt.Errorf("%w: %v", ErrNotAssigned, p)
	}
	c.advance(time.Now())
	return nil
}

// Pause keeps Poll from returning records of these partitions, and the consumer from fetching them. They stay its own.
func (c *Consumer) Pause(partitions ...TopicPartition) error { return c.setPaused(true, partitions) }

// Resume ends Pause.
func (c *Consumer) Resume(partitions ...TopicPartition) error { return c.setPaused(false, partitions) }

func (c *Consumer) setPaused(on bool, partitions []TopicPartition) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	for _, p := range partitions {
		if !c.table.Pause(p, on) {
			err = errors.Join(err, fmt.Errorf("%w: %v", ErrNotAssigned, p))
		}
	}
	c.advance(time.Now())
	return err
}

// Paused lists the partitions that are paused, sorted.
func (c *Consumer) Paused() []TopicPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []TopicPartition
	for _, p := range c.table.All() {
		if p.Paused {
			names = append(names, p.Name)
		}
	}
	return names
}

// CommittedOffset is what the group has committed for a partition.
type CommittedOffset struct {
	Offset      int64 // -1: nothing
	LeaderEpoch int32
	Metadata    string
}

// Committed asks the coordinator what the group has committed, for partitions of any topic.
func (c *Consumer) Committed(ctx context.Context, partitions ...TopicPartition) (map[TopicPartition]CommittedOffset, error) {
	if c.cfg.group == "" {
		return nil, ErrNoGroup
	}
	names := slices.Clone(partitions)
	slices.SortFunc(names, TopicPartition.Compare)
	if err := c.learn(ctx, topicsOf(names)); err != nil {
		return nil, err
	}
	var found map[TopicPartition]link.CommittedItem
	err := c.insist(ctx, func() (err error) {
		found, err = c.committedOnce(slices.Compact(names))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consumer: group %s: committed offsets: %w", c.group.ID, err)
	}
	offsets := make(map[TopicPartition]CommittedOffset, len(found))
	for name, item := range found {
		if item.Err != nil {
			return nil, &PartitionError{Partition: name, Err: item.Err}
		}
		offsets[name] = CommittedOffset{Offset: item.At.Offset, LeaderEpoch: item.At.LeaderEpoch, Metadata: item.Metadata}
	}
	return offsets, nil
}

// TimeOffset is the first record at or after a time.
type TimeOffset struct {
	Offset      int64 // -1: there is none
	LeaderEpoch int32
	Timestamp   time.Time // of that record
}

// OffsetsForTimes asks for the first record of each partition that is not older than the time.
func (c *Consumer) OffsetsForTimes(ctx context.Context, times map[TopicPartition]time.Time) (map[TopicPartition]TimeOffset, error) {
	asks := make(map[TopicPartition]int64, len(times))
	for p, t := range times {
		asks[p] = t.UnixMilli()
	}
	return c.listOffsets(ctx, asks)
}

// BeginningOffsets asks for the log start offsets.
func (c *Consumer) BeginningOffsets(ctx context.Context, partitions ...TopicPartition) (map[TopicPartition]int64, error) {
	return c.ends(ctx, link.Earliest, partitions)
}

// EndOffsets asks for the offsets behind the last record that this consumer can read.
func (c *Consumer) EndOffsets(ctx context.Context, partitions ...TopicPartition) (map[TopicPartition]int64, error) {
	return c.ends(ctx, link.Latest, partitions)
}

func (c *Consumer) ends(ctx context.Context, which int64, partitions []TopicPartition) (map[TopicPartition]int64, error) {
	asks := make(map[TopicPartition]int64, len(partitions))
	for _, p := range partitions {
		asks[p] = which
	}
	found, err := c.listOffsets(ctx, asks)
	if err != nil {
		return nil, err
	}
	ends := make(map[TopicPartition]int64, len(found))
	for p, o := range found {
		ends[p] = o.Offset
	}
	return ends, nil
}

// listOffsets asks the leaders, again and again as far as it helps.
func (c *Consumer) listOffsets(ctx context.Context, asks map[TopicPartition]int64) (map[TopicPartition]TimeOffset, error) {
	found := make(map[TopicPartition]TimeOffset, len(asks))
	err := c.insist(ctx, func() error {
		var names []TopicPartition
		for p := range asks {
			if _, have := found[p]; !have {
				names = append(names, p)
			}
		}
		slices.SortFunc(names, TopicPartition.Compare)
		if err := c.learn(ctx, topicsOf(names)); err != nil {
			return err
		}
		byNode, err := c.leadersOf(names)
		for node, mine := range byNode {
			questions := make([]link.OffsetAsk, len(mine))
			for i, p := range mine {
				questions[i] = link.OffsetAsk{Name: p, LeaderEpoch: -1, Timestamp: asks[p]}
			}
			answers, askErr := c.link.ListOffsets(ctx, node, c.cfg.readCommitted, questions)
			err = errors.Join(err, askErr)
			for p, a := range answers {
				if a.Err != nil {
					err = errors.Join(err, &PartitionError{Partition: p, Err: a.Err})
					continue
				}
				found[p] = TimeOffset{Offset: a.At.Offset, LeaderEpoch: a.At.LeaderEpoch, Timestamp: time.UnixMilli(a.Timestamp)}
			}
		}
		if err != nil {
			c.mu.Lock()
			c.forgetTopics(names)
			c.mu.Unlock()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consumer: offsets: %w", err)
	}
	return found, nil
}

func (c *Consumer) leadersOf(names []TopicPartition) (map[int32][]TopicPartition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byNode := map[int32][]TopicPartition{}
	var err error
	for _, p := range names {
		t := c.topics.byName[p.Topic]
		switch {
		case p.Partition < 0 || int(p.Partition) >= len(t.Partitions):
			err = errors.Join(err, fmt.Errorf("%v does not exist: topic %s has %d partitions", p, p.Topic, len(t.Partitions)))
		case t.Partitions[p.Partition].Node < 0:
			err = errors.Join(err, fmt.Errorf("%v has no leader", p))
		default:
			node := t.Partitions[p.Partition].Node
			byNode[node] = append(byNode[node], p)
		}
	}
	return byNode, err
}

// learn asks for metadata of topics that are not known.
func (c *Consumer) learn(ctx context.Context, names []string) error {
	var missing []string
	c.mu.Lock()
	for _, name := range sortedOnce(names) {
		if t, known := c.topics.byName[name]; !known || len(t.Partitions) == 0 {
			missing = append(missing, name)
		}
	}
	c.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	found, err := c.link.Metadata(ctx, missing, false)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range found {
		if t.Err == nil {
			c.topics.byName[t.Name] = t
		}
	}
	return nil
}

// forgetTopics has topics asked for anew that nobody subscribes to; the others are looked after in the background.
// c.mu is held.
func (c *Consumer) forgetTopics(names []TopicPartition) {
	for _, name := range names {
		if !slices.Contains(c.topics.wanted.names, name.Topic) && !slices.Contains(c.topics.matched, name.Topic) {
			delete(c.topics.byName, name.Topic)
		}
	}
	c.staleTopics(time.Now())
}

// insist tries until there is no error, the error is one that stays, or the time is over.
func (c *Consumer) insist(ctx context.Context, try func() error) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.apiTimeout)
		defer cancel()
	}
	for failures := 1; ; failures++ {
		err := try()
		if err == nil {
			return nil
		}
		var lasting *PartitionError
		if errors.As(err, &lasting) && !retriable(lasting.Err) {
			return err
		}
		c.mu.Lock()
		closed, fatal := c.closed, c.fatal
		c.mu.Unlock()
		if closed {
			return ErrClosed
		}
		if fatal != nil {
			return fatal
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(c.pause(failures)):
		}
	}
}

// GroupMetadata tells the member's place in its group, as a fencing token of what it writes elsewhere.
func (c *Consumer) GroupMetadata() Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Member{Group: c.group.ID, ID: c.machine.MemberID(), InstanceID: c.group.InstanceID, Generation: c.machine.Generation()}
}

// Member is a member's place in its group.
type Member struct {
	Group      string
	ID         string
	InstanceID string
	Generation int32 // -1: it is not in the group
}
