package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Committer commits and fetches offsets of a group that has no members: each partition is a register.
type Committer struct {
	*Client
	serial    int64 // counts commits
	committed int64 // counts those that were acknowledged
}

func newCommitter(w *World, name string) *Committer { return &Committer{Client: newClient(w, name)} }

func (c *Committer) loop() {
	again := func() { c.later(5*time.Millisecond, 300*time.Millisecond, c.loop) }
	index := int32(c.rand.IntN(c.World.Partitions))
	if c.rand.Chance(400) {
		c.fetchCommitted(c.World.Ledger, c.Name, []int32{index}, func(map[int32]record.Offset, bool) { again() })
		return
	}
	c.serial++
	op := check.Operation{Process: c.Name, Kind: check.Commit, Group: c.World.Ledger, Generation: -1, Offsets: []check.Committed{{
		Partition: check.Partition{Topic: c.World.Topic, Index: index}, Offset: record.Offset(c.serial), LeaderEpoch: -1,
		Metadata: fmt.Sprintf("%s#%d", c.Name, c.serial)}}}
	c.commitOffsets(op, func(code protocol.Code, err error) {
		if code == protocol.None && err == nil {
			c.committed++
		}
		again()
	})
}

// commitOffsets sends what the operation says.
func (c *Client) commitOffsets(op check.Operation, done func(protocol.Code, error)) {
	q := protocol.NewOffsetCommitRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.GenerationIDOrMemberEpoch = op.Group, op.Member, orNull(op.Instance), op.Generation
	topic := protocol.OffsetCommitRequestTopic{Name: c.World.Topic}
	for _, o := range op.Offsets {
		metadata := o.Metadata
		topic.Partitions = append(topic.Partitions, protocol.OffsetCommitRequestPartition{PartitionIndex: o.Index,
			CommittedOffset: int64(o.Offset), CommittedLeaderEpoch: int32(o.LeaderEpoch), CommittedMetadata: &metadata})
	}
	if len(topic.Partitions) == 0 {
		c.later(0, time.Millisecond, func() { done(protocol.None, nil) })
		return
	}
	q.Topics = []protocol.OffsetCommitRequestTopic{topic}
	c.coordinator(op.Group, func(broker int) { c.sendCommit(broker, op, q, done) })
}

func (c *Client) sendCommit(broker int, op check.Operation, q *protocol.OffsetCommitRequest, done func(protocol.Code, error)) {
	pending := c.World.Recorder.Begin(op)
	c.ask(broker, q, RequestTimeout+CommitTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			c.astray(op.Group, protocol.None, err)
			pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
			done(protocol.None, err)
			return
		}
		code := answer.(*protocol.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
		c.astray(op.Group, code, nil)
		c.World.Notef("%s commit %s: %v", c.Name, op.Offsets[0].Metadata, code)
		pending.End(commitOutcome(code), func(o *check.Operation) {
			if code != protocol.None {
				o.Error = code.String()
			}
		})
		done(code, nil)
	})
}

// commitOutcome: a coordinator that gives up what it had appended answers with NOT_COORDINATOR too, so that is not
// definite.
func commitOutcome(code protocol.Code) check.Outcome {
	if code == protocol.NotCoordinator {
		return check.Info
	}
	return check.OutcomeOf(code.String())
}

// fetchCommitted asks for committed offsets. done may be nil.
func (c *Client) fetchCommitted(groupID, process string, indexes []int32, done func(offsets map[int32]record.Offset, ok bool)) {
	if done == nil {
		done = func(map[int32]record.Offset, bool) {}
	}
	q := protocol.NewOffsetFetchRequest()
	q.RequireStable = c.rand.Chance(300)
	q.Groups = []protocol.OffsetFetchRequestGroup{{GroupID: groupID, MemberEpoch: -1,
		Topics: []protocol.OffsetFetchRequestTopics{{Name: c.World.Topic, PartitionIndexes: indexes}}}}
	c.coordinator(groupID, func(broker int) { c.sendFetchCommitted(broker, groupID, process, q, done) })
}

func (c *Client) sendFetchCommitted(broker int, groupID, process string, q *protocol.OffsetFetchRequest, done func(map[int32]record.Offset, bool)) {
	pending := c.World.Recorder.Begin(check.Operation{Process: process, Kind: check.FetchOffset, Group: groupID})
	c.ask(broker, q, RequestTimeout+CommitTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			c.astray(groupID, protocol.None, err)
			pending.End(check.Info, nil)
			done(nil, false)
			return
		}
		g := &answer.(*protocol.OffsetFetchResponse).Groups[0]
		c.astray(groupID, g.ErrorCode, nil)
		if g.ErrorCode != protocol.None {
			pending.End(check.Fail, nil)
			done(nil, false)
			return
		}
		offsets := map[int32]record.Offset{}
		var list []check.Committed
		for _, p := range g.Topics[0].Partitions {
			offsets[p.PartitionIndex] = record.Offset(p.CommittedOffset)
			list = append(list, check.Committed{Partition: check.Partition{Topic: c.World.Topic, Index: p.PartitionIndex},
				Offset: record.Offset(p.CommittedOffset), LeaderEpoch: record.LeaderEpoch(p.CommittedLeaderEpoch), Metadata: text(p.Metadata)})
		}
		c.World.Notef("%s fetched offsets of %s: %v", c.Name, groupID, list)
		pending.End(check.OK, func(o *check.Operation) { o.Offsets = list })
		done(offsets, true)
	})
}
