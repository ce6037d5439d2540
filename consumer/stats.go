package consumer

import (
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// Stats are a consumer's counts since it was made, and where it stands now.
type Stats struct {
	Group, ClientID string
	// Generation is -1 while the consumer is in none.
	Generation int32
	// Heard is when the member sent the last request that its coordinator answered as one of a member: no other gets its partitions
	// before session.timeout.ms has passed since then, unless it gives them up. The zero time if there was none.
	Heard time.Time
	// Rebalancing: the assignment is not final.
	Rebalancing bool

	Polls         uint64 // that returned records
	Records       uint64 // that Poll returned
	Bytes         uint64 // of their keys and values
	Fetches       uint64 // answers
	FetchesFailed uint64 // without an answer, or refused as a whole
	Commits       uint64 // that the coordinator wrote
	CommitsFailed uint64
	Rebalances    uint64 // that ended with an assignment
	Losses        uint64 // times that partitions were lost and not given up
	Resets        uint64 // positions that auto.offset.reset has set
	Stalls        uint64 // verdicts of OnStall

	Partitions []PartitionStats // sorted
}

// PartitionStats are one partition's.
type PartitionStats struct {
	Partition TopicPartition
	Offsets
	// Lag is -1 if it is not known.
	Lag    int64
	Paused bool
}

// Stats tells the counts. It asks no broker.
func (c *Consumer) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.counts
	s.Group, s.ClientID = c.group.ID, c.cfg.clientID
	s.Generation, s.Rebalancing = c.machine.Generation(), c.machine.Rebalancing()
	for _, p := range c.table.All() {
		o := offsetsOf(p)
		s.Partitions = append(s.Partitions, PartitionStats{Partition: p.Name, Offsets: o, Lag: o.Lag(c.cfg.readCommitted), Paused: p.Paused})
	}
	return s
}

// count counts what the membership has done.
func (c *Consumer) count(e membership.Effect) {
	switch e.(type) {
	case membership.Grant:
		c.counts.Rebalances++
	case membership.Lose:
		c.counts.Losses++
	}
}

// countPoll counts what Poll returns.
func (c *Consumer) countPoll() {
	c.counts.Polls++
	c.counts.Records += uint64(len(c.records.all))
	for i := range c.records.all {
		c.counts.Bytes += uint64(len(c.records.all[i].Key) + len(c.records.all[i].Value))
	}
}
