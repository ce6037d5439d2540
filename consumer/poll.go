package consumer

import (
	"cmp"
	"context"
	"time"

	"github.com/skein-io/skein/consumer/internal/decode"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// fault is an error that Poll has to return, once now and again whenever it has nothing else.
type fault struct {
	partition TopicPartition
	stamp     position.Stamp
	err       error
	told      bool
}

// Poll returns the next records, at most max.poll.records. It waits until there are some, ctx ends, or something has to
// be told: then Records are empty and the error says what.
//
// With the call, everything that the last Poll returned counts as processed: auto commit, and Commit without offsets,
// write it from now on. Callbacks of the Listener and of CommitAsync run within it.
//
//	ctx.Err()          nothing came in time
//	ErrClosed          the consumer was closed
//	*GroupError        the membership ended; every Poll returns it
//	*NoOffsetError     a partition has no position and the policy is None
//	*CorruptError      a batch cannot be read
//	*PartitionError    a partition is refused by its broker
//	*TopicError        a topic of the subscription is refused
//	*ConnectionError   credentials or certificates are refused
//
// The four before the last concern one partition or topic; the others go on, and so does a partition after a Seek. If nothing else is
// left, such an error is told again after retry.backoff.max.ms, so a loop that goes on after errors does not spin.
func (c *Consumer) Poll(ctx context.Context) (Records, error) {
	if !c.polling.CompareAndSwap(false, true) {
		return Records{}, ErrConcurrentPoll
	}
	defer c.polling.Store(false)
	if err := c.beginPoll(); err != nil {
		return Records{}, err
	}
	defer c.endPoll()
	var again <-chan time.Time // when an error is told once more
	for {
		c.work(ctx)
		if err := c.newFault(); err != nil {
			return Records{}, err
		}
		if c.take(); len(c.records.all) > 0 {
			return c.records, nil
		}
		old := c.oldFault()
		if old != nil && again == nil {
			again = time.After(c.cfg.retryBackoffMax)
		}
		select {
		case <-c.wake:
		case <-again:
			if old != nil {
				return Records{}, old
			}
			again = nil
		case <-ctx.Done():
			return Records{}, cmp.Or(old, ctx.Err())
		}
	}
}

func (c *Consumer) beginPoll() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	now := time.Now()
	c.lostWork, c.working.since = "", time.Time{}
	c.records.all, c.records.runs = c.records.all[:0], c.records.runs[:0]
	c.table.Processed()
	c.step(now, membership.PollBegan{})
	c.autoCommit(now)
	return nil
}

func (c *Consumer) endPoll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		now := time.Now()
		c.begins(now)
		c.step(now, membership.PollEnded{})
	}
}

// newFault returns an error that was not told yet.
func (c *Consumer) newFault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal != nil {
		return c.fatal
	}
	if c.closed {
		return ErrClosed
	}
	c.dropStaleFaults()
	for i := range c.faults {
		if !c.faults[i].told {
			c.faults[i].told = true
			return c.faults[i].err
		}
	}
	return nil
}

// dropStaleFaults drops the errors of partitions that went on, were moved, or are not there any more. c.mu is held.
func (c *Consumer) dropStaleFaults() {
	kept := c.faults[:0]
	for _, f := range c.faults {
		p := c.table.Get(f.partition)
		if f.partition.Partition < 0 || p != nil && p.Stamp == f.stamp {
			kept = append(kept, f)
		}
	}
	c.faults = kept
}

// oldFault returns an error that was told and still holds, if nothing else can come.
func (c *Consumer) oldFault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropStaleFaults()
	if len(c.faults) > 0 && len(c.faults) >= c.table.Len() {
		return c.faults[0].err
	}
	return nil
}

// anywhere stands for all brokers, where a fault is no partition's and no topic's.
var anywhere = TopicPartition{Partition: -1}

// refusedTopic notes a topic of the subscription that the brokers refuse. c.mu is held.
func (c *Consumer) refusedTopic(topic string, err error) {
	c.refused(TopicPartition{Topic: topic, Partition: -1}, &TopicError{Topic: topic, Err: err})
}

// refused notes the error of a topic, or of anywhere, unless there is one. c.mu is held.
func (c *Consumer) refused(name TopicPartition, err error) {
	for _, f := range c.faults {
		if f.partition == name {
			return
		}
	}
	c.faults = append(c.faults, fault{partition: name, err: err})
}

// fault notes an error of a partition. c.mu is held.
func (c *Consumer) fault(p *position.Part, err error) {
	for i := range c.faults {
		if f := &c.faults[i]; f.partition == p.Name {
			if f.stamp != p.Stamp {
				f.told = false
			}
			f.stamp, f.err = p.Stamp, err
			return
		}
	}
	c.faults = append(c.faults, fault{partition: p.Name, stamp: p.Stamp, err: err})
}

// well drops the error of a partition that could be read again. c.mu is held.
func (c *Consumer) well(name TopicPartition) {
	for i := range c.faults {
		if c.faults[i].partition == name {
			c.faults = append(c.faults[:i], c.faults[i+1:]...)
			return
		}
	}
}

// reportStuck notes the partitions that the policy None stops. c.mu is held.
func (c *Consumer) reportStuck() {
	for _, p := range c.table.Stuck() {
		c.fault(p, &NoOffsetError{Partition: p.Name, Position: p.Position.Offset, Why: p.Why})
	}
}

// take fills c.records with what was fetched. Batches are decompressed and read without the lock; what was read of a
// partition that had to be given up, or was moved, meanwhile is dropped.
func (c *Consumer) take() {
	c.mu.Lock()
	c.lostWork = "" // what was lost so far is nothing that this Poll returns
	c.mu.Unlock()
	c.records.all, c.records.runs = c.records.all[:0], c.records.runs[:0]
	for len(c.records.all) < c.cfg.pollRecordsMax {
		c.mu.Lock()
		f := c.table.Front()
		from := c.deliversAs()
		c.mu.Unlock()
		if f == nil {
			break
		}
		if !c.takeFrom(f, from) {
			break
		}
	}
	if len(c.records.all) > 0 {
		c.mu.Lock()
		c.countPoll() // endPoll fetches more
		c.mu.Unlock()
	}
}

func (c *Consumer) takeFrom(f *position.Fetched, by *origin) (more bool) {
	from := len(c.records.all)
	all := c.records.all
	for len(all) < c.cfg.pollRecordsMax {
		r := f.Cursor.Next()
		if r == nil {
			break
		}
		all = append(all, Record{
			Topic: f.Part.Name.Topic, Partition: f.Part.Name.Partition, LeaderEpoch: f.Cursor.LeaderEpoch(),
			Offset: int64(r.Offset), Timestamp: time.UnixMilli(r.Timestamp), Key: r.Key, Value: r.Value,
			Headers: Headers{raw: r.Headers}, LogAppendTime: f.Cursor.LogAppendTime(), from: by,
		})
	}
	done := len(all) < c.cfg.pollRecordsMax || f.Cursor.Position() >= f.End.Offset
	to := position.Place{Offset: f.Cursor.Position(), LeaderEpoch: f.Cursor.LeaderEpoch()}
	err := f.Cursor.Err()

	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return c.damaged(f, to, err, all, from)
	}
	if c.table.Delivered(f, to, done) {
		c.keep(all, from)
		c.well(f.Part.Name)
	}
	return true
}

// keep makes what was read part of what Poll returns. c.mu is held.
func (c *Consumer) keep(all []Record, from int) {
	c.records.all = all
	if len(all) > from {
		c.records.runs = append(c.records.runs, run{from, len(all)})
	}
}

// damaged delivers what could be read in front of the damage, and has the rest fetched again after a pause. c.mu is
// held.
func (c *Consumer) damaged(f *position.Fetched, to position.Place, err error, all []Record, from int) bool {
	if !c.table.Delivered(f, to, false) {
		return true
	}
	c.keep(all, from)
	corrupt, _ := err.(*decode.Corrupt)
	c.table.Again(time.Now(), f.Part.Name, err.Error())
	c.fault(f.Part, &CorruptError{Partition: f.Part.Name, Offset: corrupt.Offset, Next: corrupt.Next, Reason: corrupt.Reason})
	return len(all) == from
}
