package onenode

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// committer commits and fetches offsets of a group that has no members: each partition is a register.
type committer struct {
	*client
	serial int64
}

func newCommitter(w *world, name string) *committer { return &committer{client: newClient(w, name)} }

func (c *committer) start() {
	q := protocol.NewFindCoordinatorRequest()
	q.CoordinatorKeys = []string{ledgerName}
	c.ask(q, requestTimeout, func(answer protocol.Message, err error) {
		if err == nil && answer.(*protocol.FindCoordinatorResponse).Coordinators[0].ErrorCode == protocol.None {
			c.loop()
			return
		}
		c.later(10*time.Millisecond, 300*time.Millisecond, c.start)
	})
}

func (c *committer) loop() {
	again := func() { c.later(5*time.Millisecond, 300*time.Millisecond, c.loop) }
	index := int32(c.rand.IntN(c.world.options.Partitions))
	if c.rand.Chance(400) {
		c.fetchCommitted(ledgerName, c.name, []int32{index}, func(map[int32]record.Offset, bool) { again() })
		return
	}
	c.serial++
	op := check.Operation{Process: c.name, Kind: check.Commit, Group: ledgerName, Generation: -1, Offsets: []check.Committed{{
		Partition: check.Partition{Topic: topicName, Index: index}, Offset: record.Offset(c.serial), LeaderEpoch: -1,
		Metadata: fmt.Sprintf("%s#%d", c.name, c.serial)}}}
	c.commitOffsets(op, func(protocol.Code, error) { again() })
}

// commitOffsets sends what the operation says.
func (c *client) commitOffsets(op check.Operation, done func(protocol.Code, error)) {
	q := protocol.NewOffsetCommitRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.GenerationIDOrMemberEpoch = op.Group, op.Member, orNull(op.Instance), op.Generation
	topic := protocol.OffsetCommitRequestTopic{Name: topicName}
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
	pending := c.world.recorder.Begin(op)
	c.ask(q, requestTimeout+commitTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
			done(protocol.None, err)
			return
		}
		code := answer.(*protocol.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
		c.world.Notef("%s commit %s: %v", c.name, op.Offsets[0].Metadata, code)
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
func (c *client) fetchCommitted(groupID, process string, indexes []int32, done func(offsets map[int32]record.Offset, ok bool)) {
	if done == nil {
		done = func(map[int32]record.Offset, bool) {}
	}
	q := protocol.NewOffsetFetchRequest()
	q.RequireStable = c.rand.Chance(300)
	q.Groups = []protocol.OffsetFetchRequestGroup{{GroupID: groupID, MemberEpoch: -1,
		Topics: []protocol.OffsetFetchRequestTopics{{Name: topicName, PartitionIndexes: indexes}}}}
	pending := c.world.recorder.Begin(check.Operation{Process: process, Kind: check.FetchOffset, Group: groupID})
	c.ask(q, requestTimeout+commitTimeout, func(answer protocol.Message, err error) {
		if err != nil {
			pending.End(check.Info, nil)
			done(nil, false)
			return
		}
		g := &answer.(*protocol.OffsetFetchResponse).Groups[0]
		if g.ErrorCode != protocol.None {
			pending.End(check.Fail, nil)
			done(nil, false)
			return
		}
		offsets := map[int32]record.Offset{}
		var list []check.Committed
		for _, p := range g.Topics[0].Partitions {
			offsets[p.PartitionIndex] = record.Offset(p.CommittedOffset)
			list = append(list, check.Committed{Partition: check.Partition{Topic: topicName, Index: p.PartitionIndex},
				Offset: record.Offset(p.CommittedOffset), LeaderEpoch: record.LeaderEpoch(p.CommittedLeaderEpoch), Metadata: text(p.Metadata)})
		}
		c.world.Notef("%s fetched offsets of %s: %v", c.name, groupID, list)
		pending.End(check.OK, func(o *check.Operation) { o.Offsets = list })
		done(offsets, true)
	})
}
