package consumer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/consumer/internal/position"
)

// Explanation is what a consumer does and waits for, in sentences.
type Explanation struct {
	Group string // what the membership does; "" without a group
	// Event is the last thing that happened to the membership, and At when.
	Event string
	At    time.Time
	// Partitions tell what each partition waits for, in order.
	Partitions []PartitionState
	// Nodes are those that did not answer the last Fetch, or refused it as a whole, by id.
	Nodes []NodeState
	// Commits are those that wait for the coordinator, the one on its way included.
	Commits int
	// Poll says whether the application is in Poll, and what that waits for.
	Poll string
}

// PartitionState is one partition's.
type PartitionState struct {
	Partition TopicPartition
	State     string
	Offsets   Offsets
}

// NodeState is a node that records cannot be fetched from at the moment.
type NodeState struct {
	Node     int32
	Failures int           // in a row
	Again    time.Duration // until it may be asked again
	Err      error         // the last
}

// Explain tells what the consumer does and waits for. It asks no broker.
func (c *Consumer) Explain() Explanation {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	e := Explanation{Event: c.lastNote.Text, At: c.lastNote.At, Commits: len(c.commits.queue), Poll: c.explainPoll()}
	if c.commits.busy {
		e.Commits++
	}
	if c.cfg.group != "" && !c.topics.assigned {
		e.Group = fmt.Sprintf("group %s: the member %s", c.group.ID, c.machine.Explain(now))
	}
	for _, p := range c.table.All() {
		e.Partitions = append(e.Partitions, PartitionState{Partition: p.Name, State: p.Explain(now), Offsets: offsetsOf(p)})
	}
	for node, f := range c.fetches.failing {
		e.Nodes = append(e.Nodes, NodeState{Node: node, Failures: f.times, Again: max(f.until.Sub(now), 0), Err: f.why})
	}
	slices.SortFunc(e.Nodes, func(a, b NodeState) int { return cmp.Compare(a.Node, b.Node) })
	return e
}

func (c *Consumer) explainPoll() string {
	switch {
	case c.closed:
		return "the consumer is closed"
	case c.fatal != nil:
		return "every Poll fails: " + c.fatal.Error()
	case c.topics.lastError != nil:
		return "no broker tells about topics: " + c.topics.lastError.Error()
	case !c.polling.Load():
		return "the application works on what it has"
	case len(c.tasks) > 0:
		return "a callback of the application runs, or is about to"
	case c.table.Buffered():
		return "records are there"
	case c.table.Len() == 0:
		return "the application waits; no partition is assigned"
	}
	return "the application waits for records"
}

// String is the whole as text, a line for each sentence.
func (e Explanation) String() string {
	var b strings.Builder
	if e.Group != "" {
		fmt.Fprintln(&b, e.Group)
	}
	if e.Event != "" {
		fmt.Fprintf(&b, "last event, %s: %s\n", e.At.Format(time.RFC3339), e.Event)
	}
	fmt.Fprintln(&b, e.Poll)
	for _, p := range e.Partitions {
		fmt.Fprintf(&b, "%v: %s (committed %d, position %d, high watermark %d)\n", p.Partition, p.State, p.Offsets.Committed, p.Offsets.Position, p.Offsets.HighWatermark)
	}
	for _, n := range e.Nodes {
		fmt.Fprintf(&b, "node %d is asked again in %v, after %d failures: %v\n", n.Node, n.Again.Round(time.Millisecond), n.Failures, n.Err)
	}
	return b.String()
}

func offsetsOf(p *position.Part) Offsets {
	return Offsets{
		Committed: p.Committed.Offset, Position: p.Position.Offset,
		HighWatermark: p.HighWatermark, LastStableOffset: p.LastStableOffset, LogStartOffset: p.LogStart,
	}
}
