package consumer

import (
	"errors"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer/internal/decode"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/position"
	"github.com/skein-io/skein/internal/record"
)

// partialPause is the least time between two answers of a node that leave partitions out because enough of them waits
// for the application: such a request does not wait at the broker, so it must not be sent all the time.
const partialPause = 20 * time.Millisecond

// replicaFor is how long a partition is read from the replica that its leader named, before the leader is asked again
// (KIP-392).
const replicaFor = time.Minute

// failingKept is how long a failure is remembered of a node that is not asked any more.
const failingKept = time.Minute

// fetches are the open ones: one for each node at most. Guarded by Consumer.mu.
type fetches struct {
	busy    map[int32]bool
	partial map[int32]time.Time // when a partial one may be sent
	failing map[int32]failing   // nodes whose last answer was none
}

// failing is a node that did not answer, or refused a request as a whole: it is left alone until then.
type failing struct {
	times int // in a row
	until time.Time
	why   error
}

func (f *fetches) init() {
	f.busy, f.partial, f.failing = map[int32]bool{}, map[int32]time.Time{}, map[int32]failing{}
}

func (f *fetches) next(now time.Time) time.Time {
	var next time.Time
	earlier := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, at := range f.partial {
		earlier(at)
	}
	for _, node := range f.failing {
		earlier(node.until)
	}
	return next
}

// fetchMore sends what the table plans. c.mu is held.
func (c *Consumer) fetchMore(now time.Time) {
	if c.closed {
		return
	}
	f := &c.fetches
	busy := func(node int32) bool { return f.busy[node] || now.Before(f.failing[node].until) }
	for _, plan := range c.table.Plan(now, busy) {
		if plan.Partial {
			if at, waits := f.partial[plan.Node]; waits && now.Before(at) {
				continue
			} else if !waits {
				f.partial[plan.Node] = now.Add(partialPause)
				continue
			}
		}
		delete(f.partial, plan.Node)
		f.busy[plan.Node] = true
		c.sendFetch(plan.Sent())
	}
	for node, at := range f.partial { // the timer is not for what has passed
		if !now.Before(at.Add(partialPause)) {
			delete(f.partial, node)
		}
	}
}

func (c *Consumer) sendFetch(plan position.Plan) {
	cfg := link.FetchConfig{
		MinBytes: int32(c.cfg.fetchBytesMin), MaxBytes: int32(c.cfg.fetchBytesMax), PartitionMaxBytes: int32(c.cfg.partitionFetchBytesMax),
		MaxWait: c.cfg.fetchWaitMax, ReadCommitted: c.cfg.readCommitted, Rack: c.cfg.rack,
	}
	if plan.Partial {
		cfg.MaxWait = 0
	}
	names := make([]string, len(plan.Wants))
	wants := make(map[TopicPartition]position.Want, len(plan.Wants))
	for i, w := range plan.Wants {
		names[i] = w.Part.Name.Topic
		wants[w.Part.Name] = w
	}
	ids := c.topics.idsOf(names)
	c.background(func() {
		answers, err := c.link.Fetch(c.ctx, cfg, plan, ids)
		arrived := make([]*position.Fetched, len(answers))
		for i, a := range answers {
			arrived[i] = c.read(wants, a)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fetched(time.Now(), plan.Node, wants, answers, arrived, err)
	})
}

// read makes a cursor of what came of a partition; nil if nothing did.
func (c *Consumer) read(wants map[TopicPartition]position.Want, a link.FetchAnswer) *position.Fetched {
	w, asked := wants[a.Name]
	if !asked || a.Err != nil || len(a.Bytes) == 0 {
		return nil
	}
	return &position.Fetched{
		Cursor: decode.New(a.Bytes, w.From.Offset, a.Aborted, decode.Config{ReadCommitted: c.cfg.readCommitted}),
		Bytes:  len(a.Bytes),
		End:    endOf(a.Bytes, w.From),
	}
}

// endOf is the place behind the last whole batch. What is wrong with the batches shows when they are read.
func endOf(batches []byte, from position.Place) position.Place {
	end := from
	for len(batches) > 0 {
		b, rest, err := record.Split(batches)
		if err != nil || b.CheckHeader() != nil {
			break
		}
		if next := int64(b.NextOffset()); next > end.Offset {
			end = position.Place{Offset: next, LeaderEpoch: int32(b.LeaderEpoch())}
		}
		batches = rest
	}
	return end
}

// fetched takes a node's answer of Fetch to what was wanted, which it uses up. c.mu is held.
func (c *Consumer) fetched(now time.Time, node int32, wants map[TopicPartition]position.Want, answers []link.FetchAnswer, arrived []*position.Fetched, err error) {
	f := &c.fetches
	delete(f.busy, node)
	if err != nil {
		c.counts.FetchesFailed++
		maps.DeleteFunc(f.failing, func(_ int32, n failing) bool { return now.Sub(n.until) > failingKept })
		times := f.failing[node].times + 1
		f.failing[node] = failing{times: times, until: now.Add(c.pause(times)), why: err}
		for name, w := range wants {
			c.table.Unanswered(name, w.Stamp)
		}
		c.cfg.log.Warn("fetch", "node", node, "error", err)
		c.staleTopics(now)
		c.advance(now)
		return
	}
	c.counts.Fetches++
	delete(f.failing, node)
	for i, a := range answers {
		w, asked := wants[a.Name]
		if !asked {
			continue
		}
		delete(wants, a.Name)
		stamp := w.Stamp
		switch {
		case a.Err != nil:
			c.fetchRefused(now, a, stamp)
		case a.PreferredReplica >= 0 && len(a.Bytes) == 0:
			c.table.Prefer(a.Name, stamp, a.PreferredReplica, now.Add(replicaFor))
		default:
			c.table.Arrived(a.Name, stamp, a.Ends, arrived[i])
		}
	}
	for name, w := range wants { // not in the answer
		c.table.Failed(now, name, w.Stamp, "the answer to Fetch does not name it")
		c.staleTopics(now)
	}
	c.advance(now)
}

// fetchRefused acts on the error of one partition. c.mu is held.
func (c *Consumer) fetchRefused(now time.Time, a link.FetchAnswer, stamp position.Stamp) {
	p := c.table.Get(a.Name)
	if p == nil || p.Stamp != stamp {
		return
	}
	e, ok := errors.AsType[*kerr.Error](a.Err)
	if !ok {
		c.table.Failed(now, a.Name, stamp, a.Err.Error())
		return
	}
	switch e {
	case kerr.OffsetOutOfRange:
		c.table.OutOfRange(now, a.Name, stamp, "its offset is not in the log any more, or not yet")
	case kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch:
		c.table.Failed(now, a.Name, stamp, a.Err.Error())
		if a.Leader.Node >= 0 {
			c.table.Leads(a.Name, a.Leader.Node, a.Leader.Epoch)
		}
		c.staleTopics(now)
	case kerr.TopicAuthorizationFailed:
		c.table.Failed(now, a.Name, stamp, a.Err.Error())
		c.fault(p, &PartitionError{Partition: a.Name, Err: a.Err})
	case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InconsistentTopicID:
		c.table.Failed(now, a.Name, stamp, a.Err.Error())
		c.staleTopics(now)
	default:
		c.table.Failed(now, a.Name, stamp, a.Err.Error())
		c.staleTopics(now)
		if !e.Retriable {
			c.fault(p, &PartitionError{Partition: a.Name, Err: a.Err})
		}
	}
}
