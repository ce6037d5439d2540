package consumer

import (
	"cmp"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
)

// askPositions sends the questions that partitions wait for before they can be read. c.mu is held.
func (c *Consumer) askPositions(now time.Time) {
	if asks := c.table.AskCommitted(now); len(asks) > 0 {
		c.askCommitted(asks)
	}
	for node, asks := range byLeader(c.table.AskReset(now)) {
		c.askReset(now, node, asks)
	}
	for node, asks := range byLeader(c.table.AskValidation(now)) {
		c.askValidation(node, asks)
	}
}

func byLeader(asks []position.Ask) map[int32][]position.Ask {
	nodes := map[int32][]position.Ask{}
	for _, a := range asks {
		nodes[a.Part.Leader] = append(nodes[a.Part.Leader], a)
	}
	return nodes
}

// askCommitted reads the group's offsets.
func (c *Consumer) askCommitted(asks []position.Ask) {
	names := namesOf(asks)
	c.background(func() {
		found, err := c.committedOnce(names)
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		for _, a := range asks {
			item, there := found[a.Part.Name]
			switch {
			case err != nil || !there || item.Err != nil:
				c.table.Failed(now, a.Part.Name, a.Stamp, unanswered("OffsetFetch", cmp.Or(err, item.Err)))
				if item.Err != nil && !retriable(item.Err) {
					c.fault(a.Part, &PartitionError{Partition: a.Part.Name, Err: item.Err})
				}
			default:
				c.table.FoundCommitted(a.Part.Name, a.Stamp, item.At)
			}
		}
		if err != nil {
			c.cfg.log.Warn("committed offsets", "error", err)
		}
		c.advance(now)
	})
}

// committedOnce asks the coordinator once.
func (c *Consumer) committedOnce(names []TopicPartition) (map[TopicPartition]link.CommittedItem, error) {
	node, err := c.findCoordinator(c.ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	ids := c.topics.idsOf(topicsOf(names))
	as := link.Asker{Epoch: -1}
	if c.machine.ConsumerProtocol() && c.machine.Generation() >= 0 {
		as = link.Asker{MemberID: c.machine.MemberID(), Epoch: c.machine.Generation()}
	}
	c.mu.Unlock()
	found, f := c.link.Committed(c.ctx, node, c.group, as, ids, names)
	if f.OK() {
		return found, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case f.Lost, f.Code == membership.NotCoordinator, f.Code == membership.CoordinatorNotAvailable:
		c.forgetCoordinator(time.Now(), node, f.Text)
	case f.Code == membership.CoordinatorLoadInProgress, f.Code == membership.UnstableOffsetCommit:
	case as.Epoch >= 0 && (f.Code == membership.StaleMemberEpoch || f.Code == membership.UnknownMemberID):
		c.step(time.Now(), membership.GenerationLost{Generation: as.Epoch, Code: f.Code})
	default:
		c.fatal = &GroupError{Group: c.group.ID, Doing: "OffsetFetch", Code: int16(f.Code), Text: f.Text}
	}
	return nil, errors.New(f.Text)
}

// askReset asks a leader where the policy, or the application, wants partitions to go. c.mu is held.
func (c *Consumer) askReset(now time.Time, node int32, asks []position.Ask) {
	questions := make([]link.OffsetAsk, len(asks))
	for i, a := range asks {
		questions[i] = link.OffsetAsk{Name: a.Part.Name, LeaderEpoch: a.Part.LeaderEpoch, Timestamp: timestampOf(now, a.Part.Reset)}
	}
	c.background(func() {
		answers, err := c.link.ListOffsets(c.ctx, node, c.cfg.readCommitted, questions)
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		for _, a := range asks {
			answer, there := answers[a.Part.Name]
			if err != nil || !there || answer.Err != nil {
				c.refusedAsk(now, a, unanswered("ListOffsets", cmp.Or(err, answer.Err)), answer.Err)
				continue
			}
			if answer.At.Offset < 0 && a.Part.Stamp == a.Stamp && a.Part.Reset.Kind == position.AtTimestamp {
				// nothing is that young: behind the last record
				c.table.Redirect(a.Part.Name, a.Stamp, position.ToLatest)
				continue
			}
			if answer.At.Offset < 0 {
				c.refusedAsk(now, a, "the answer to ListOffsets names no offset of it", nil)
				continue
			}
			if moved := c.table.FoundReset(a.Part.Name, a.Stamp, answer.At); moved != nil {
				c.moved(moved)
			}
		}
		if err != nil {
			c.cfg.log.Warn("offsets", "node", node, "error", err)
			c.staleTopics(now)
		}
		c.advance(now)
	})
}

func timestampOf(now time.Time, r position.Reset) int64 {
	switch r.Kind {
	case position.ToEarliest:
		return link.Earliest
	case position.ToLatest:
		return link.Latest
	}
	if r.Ago > 0 {
		return now.Add(-r.Ago).UnixMilli()
	}
	return r.Timestamp
}

// moved tells that a position was set by the policy. c.mu is held.
func (c *Consumer) moved(m *position.Moved) {
	c.counts.Resets++
	c.cfg.log.Info("position", "partition", m.Name.String(), "from", m.From, "to", m.To, "why", m.Why)
	if c.cfg.onReset == nil {
		return
	}
	event := PositionReset{Partition: m.Name, From: m.From, To: m.To, Why: m.Why}
	c.tasks = append(c.tasks, task{kind: called, call: func() { c.cfg.onReset(event) }})
}

// askValidation asks a leader how far its log agrees with what was read (KIP-320). c.mu is held.
func (c *Consumer) askValidation(node int32, asks []position.Ask) {
	questions := make([]link.EpochAsk, len(asks))
	for i, a := range asks {
		questions[i] = link.EpochAsk{Name: a.Part.Name, LeaderEpoch: a.Part.LeaderEpoch, Epoch: a.Part.Ahead().LeaderEpoch}
	}
	c.background(func() {
		ends, err := c.link.EpochEnds(c.ctx, node, questions)
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		for _, a := range asks {
			end, there := ends[a.Part.Name]
			if err != nil || !there || end.Err != nil {
				c.refusedAsk(now, a, unanswered("OffsetForLeaderEpoch", cmp.Or(err, end.Err)), end.Err)
				continue
			}
			if moved := c.table.Validated(now, a.Part.Name, a.Stamp, end.Epoch, end.End); moved != nil {
				c.moved(moved)
			}
		}
		if err != nil {
			c.cfg.log.Warn("leader epochs", "node", node, "error", err)
			c.staleTopics(now)
		}
		c.advance(now)
	})
}

// unanswered says why a request brought nothing of a partition.
func unanswered(request string, err error) string {
	if err == nil {
		return "the answer to " + request + " does not name it"
	}
	return err.Error()
}

// refusedAsk ends a question without an answer. err is what the leader says of the partition, if it does. c.mu is held.
func (c *Consumer) refusedAsk(now time.Time, a position.Ask, why string, err error) {
	c.table.Failed(now, a.Part.Name, a.Stamp, why)
	if err == nil {
		return
	}
	c.staleTopics(now)
	if !retriable(err) && c.table.Get(a.Part.Name) == a.Part {
		c.fault(a.Part, &PartitionError{Partition: a.Part.Name, Err: err})
	}
}

func retriable(err error) bool {
	e, ok := errors.AsType[*kerr.Error](err)
	return ok && e.Retriable || errors.Is(err, link.ErrNonsense)
}

func namesOf(asks []position.Ask) []TopicPartition {
	names := make([]TopicPartition, len(asks))
	for i, a := range asks {
		names[i] = a.Part.Name
	}
	return names
}

func topicsOf(names []TopicPartition) []string {
	topics := make([]string, len(names))
	for i, name := range names {
		topics[i] = name.Topic
	}
	return topics
}
