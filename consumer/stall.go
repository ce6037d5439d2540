package consumer

import (
	"fmt"
	"time"
)

// Stall is the verdict that the application works for so long that its partitions will soon go to others: half of
// max.poll.interval.ms has passed since Poll returned.
type Stall struct {
	Since    time.Time     // when Poll returned
	Duration time.Duration // so far
	Left     time.Duration // until the member leaves the group
	// Records are what Poll returned, in runs of one partition: the record that the application works on is in one.
	Records []StalledRun
}

// StalledRun is a run of records of one partition, from offset First to Last.
type StalledRun struct {
	Partition   TopicPartition
	First, Last int64
}

func (s Stall) String() string {
	text := fmt.Sprintf("the application works for %v on what Poll returned; in %v its partitions go to others (max.poll.interval.ms)", s.Duration.Round(time.Millisecond), s.Left.Round(time.Millisecond))
	for _, r := range s.Records {
		text += fmt.Sprintf("; %v@%d..%d", r.Partition, r.First, r.Last)
	}
	return text
}

// OnStall is called when half of max.poll.interval.ms has passed since Poll returned, once for each Poll. The
// application is not in Poll then, so this callback runs in a goroutine of its own. The verdict is logged, too.
func OnStall(f func(Stall)) Option { return func(c *config) { c.onStall = f } }

// work is what the application does between two calls of Poll. Guarded by Consumer.mu.
type working struct {
	since time.Time // zero while it is in Poll
	runs  []StalledRun
	told  bool
}

// verdictDue is when the verdict is, or the zero time: also while the member is in no generation, because there is nothing
// that could go to others then. c.mu is held.
func (c *Consumer) verdictDue() time.Time {
	w := &c.working
	if w.since.IsZero() || w.told || len(w.runs) == 0 || c.machine.Generation() < 0 {
		return time.Time{}
	}
	return w.since.Add(c.cfg.pollIntervalMax / 2)
}

// begins notes what the application got. c.mu is held.
func (c *Consumer) begins(now time.Time) {
	c.working.since, c.working.told = now, false
	c.working.runs = c.working.runs[:0]
	for _, r := range c.records.runs {
		first, last := c.records.all[r.from], c.records.all[r.to-1]
		c.working.runs = append(c.working.runs, StalledRun{Partition: first.TopicPartition(), First: first.Offset, Last: last.Offset})
	}
}

// judge tells that the application stalls, if it does. c.mu is held.
func (c *Consumer) judge(now time.Time) {
	due := c.verdictDue()
	if due.IsZero() || now.Before(due) {
		return
	}
	c.working.told = true
	c.counts.Stalls++
	s := Stall{
		Since: c.working.since, Duration: now.Sub(c.working.since), Left: max(c.working.since.Add(c.cfg.pollIntervalMax).Sub(now), 0),
		Records: append([]StalledRun(nil), c.working.runs...),
	}
	c.cfg.log.Warn("stall", "group", c.group.ID, "verdict", s.String())
	if c.cfg.onStall != nil {
		go c.cfg.onStall(s) // Close does not wait for it
	}
}
