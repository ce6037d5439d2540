package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// alterReassignments moves partitions to other replicas, or gives such a move up (KIP-455), each by itself. A move has
// three steps: the new replicas are added to the old ones; the leader takes them into the ISR, with AlterPartition; when
// all are in it, the replicas that shall go are removed. What needs no waiting is done at once.
func (c *Controller) alterReassignments(e *AlterPartitionReassignments) (protocol.Message, []metadata.Record, error) {
	response := protocol.NewAlterPartitionReassignmentsResponse()
	response.AllowReplicationFactorChange = e.Request.AllowReplicationFactorChange
	var records []metadata.Record
	seen := make(map[metadata.TopicPartition]struct{})
	for i := range e.Request.Topics {
		t := &e.Request.Topics[i]
		topic := protocol.NewAlterPartitionReassignmentsResponseReassignableTopicResponse()
		topic.Name = t.Name
		for j := range t.Partitions {
			tp := metadata.TopicPartition{Topic: t.Name, Partition: t.Partitions[j].PartitionIndex}
			_, twice := seen[tp]
			seen[tp] = struct{}{}
			record, err := c.alterReassignment(tp, t.Partitions[j].Replicas, e.Request.AllowReplicationFactorChange, twice)
			if record != nil {
				records = append(records, record)
			}
			result := protocol.NewAlterPartitionReassignmentsResponseReassignablePartitionResponse()
			result.PartitionIndex = tp.Partition
			result.ErrorCode, result.ErrorMessage = answer(err)
			topic.Partitions = append(topic.Partitions, result)
		}
		response.Responses = append(response.Responses, topic)
	}
	return response, records, nil
}

// alterReassignment finds the record for one partition; nil without an error if nothing changes. No replicas means that
// the move under way is given up.
func (c *Controller) alterReassignment(tp metadata.TopicPartition, replicas []int32, otherFactor, twice bool) (metadata.Record, error) {
	if twice {
		return nil, protocol.Fail(protocol.InvalidRequest, "partition %s appears more than once", tp)
	}
	topic := c.image.Topic(tp.Topic)
	if topic == nil {
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic '%s'", tp.Topic)
	}
	p := topic.Partition(tp.Partition)
	if p == nil {
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no partition %s", tp)
	}
	rules := c.rules(c.image).of(topic.Name)
	var ch *change
	var err error
	if replicas == nil {
		ch, err = c.cancel(tp, p, rules)
	} else {
		ch, err = c.move(tp, p, nodes(replicas), otherFactor)
	}
	if err != nil {
		return nil, err
	}
	if r := c.completed(ch, topic, p, rules).record(); r != nil {
		return r, nil
	}
	return nil, nil
}

// original are the replicas to which a cancelled move goes back.
func original(p *metadata.Partition) []metadata.NodeID { return without(p.Replicas, p.Adding...) }

// move is the first step towards other replicas. If a move is under way, the replicas that it added and that are wanted no
// longer are both: a cancel takes them away too.
func (c *Controller) move(tp metadata.TopicPartition, p *metadata.Partition, target []metadata.NodeID, otherFactor bool) (*change, error) {
	before := original(p)
	if !otherFactor && len(target) != len(before) {
		return nil, protocol.Fail(protocol.InvalidReplicationFactor,
			"the replication factor of %s would change from %d to %d, which the request does not allow", tp, len(before), len(target))
	}
	if _, err := c.checkReplicas(tp.Partition, metadata.Int32s(target)); err != nil {
		return nil, err
	}
	going := without(p.Replicas, target...)
	all := append(slices.Clone(target), going...)
	return &change{replicas: all, adding: without(all, before...), removing: going}, nil
}

// cancel goes back to the replicas before the move. If none of them has all that is committed any
// more, only an unclean election helps.
func (c *Controller) cancel(tp metadata.TopicPartition, p *metadata.Partition, rules topicRules) (*change, error) {
	if !p.Reassigning() {
		return nil, protocol.Fail(protocol.NoReassignmentInProgress, "partition %s is not being moved", tp)
	}
	ch := &change{replicas: original(p), isr: without(p.ISR, p.Adding...)}
	if len(ch.isr) > 0 || rules.elr && len(without(p.ELR, p.Adding...)) > 0 {
		return ch, nil
	}
	if !rules.unclean {
		return nil, protocol.Fail(protocol.InvalidReplicaAssignment,
			"none of the replicas %v of %s from before the move is in sync: to go back would need an unclean election", ch.replicas, tp)
	}
	first := ch.replicas[max(slices.IndexFunc(ch.replicas, c.isActive), 0)]
	ch.isr, ch.uncleanly = []metadata.NodeID{first}, true
	return ch, nil
}

// listReassignments is what is under way: in the partitions that a request names, or in all. Those that do not exist are
// left out, as Kafka does.
func (c *Controller) listReassignments(e *ListPartitionReassignments) protocol.Message {
	response := protocol.NewListPartitionReassignmentsResponse()
	list := func(t *metadata.Topic, indexes []int32) {
		topic := protocol.NewListPartitionReassignmentsResponseOngoingTopicReassignment()
		topic.Name = t.Name
		for _, index := range indexes {
			p := t.Partition(index)
			if p == nil || !p.Reassigning() {
				continue
			}
			one := protocol.NewListPartitionReassignmentsResponseOngoingPartitionReassignment()
			one.PartitionIndex, one.Replicas = index, metadata.Int32s(p.Replicas)
			one.AddingReplicas, one.RemovingReplicas = metadata.Int32s(p.Adding), metadata.Int32s(p.Removing)
			topic.Partitions = append(topic.Partitions, one)
		}
		if len(topic.Partitions) > 0 {
			response.Topics = append(response.Topics, topic)
		}
	}
	if e.Request.Topics == nil {
		for t := range c.image.Topics() {
			list(t, partitionNumbers(t))
		}
	}
	for _, asked := range e.Request.Topics {
		if t := c.image.Topic(asked.Name); t != nil {
			list(t, asked.PartitionIndexes)
		}
	}
	return response
}
