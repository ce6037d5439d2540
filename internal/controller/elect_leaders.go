package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// The kinds of election, in Kafka's numbers (KIP-460).
const (
	electPreferred int8 = 0
	electUnclean   int8 = 1
)

// electLeaders elects by hand. A request without partitions means all of them; then those that need no election are
// not in the answer.
func (c *Controller) electLeaders(e *ElectLeaders) (protocol.Message, []metadata.Record, error) {
	kind := e.Request.ElectionType
	if kind != electPreferred && kind != electUnclean {
		return nil, nil, protocol.Fail(protocol.InvalidRequest, "unknown election type %d", kind)
	}
	response := protocol.NewElectLeadersResponse()
	var records []metadata.Record
	elect := func(topic string, partitions []int32, all bool) {
		result := protocol.NewElectLeadersResponseReplicaElectionResult()
		result.Topic = topic
		for _, index := range partitions {
			record, err := c.electLeader(topic, index, kind)
			if all && protocol.CodeOf(err) == protocol.ElectionNotNeeded {
				continue
			}
			if record != nil {
				records = append(records, record)
			}
			one := protocol.NewElectLeadersResponsePartitionResult()
			one.PartitionID = index
			one.ErrorCode, one.ErrorMessage = answer(err)
			result.PartitionResult = append(result.PartitionResult, one)
		}
		if !all || len(result.PartitionResult) > 0 {
			response.ReplicaElectionResults = append(response.ReplicaElectionResults, result)
		}
	}
	if e.Request.TopicPartitions == nil {
		for t := range c.image.Topics() {
			elect(t.Name, partitionNumbers(t), true)
		}
	}
	for _, t := range e.Request.TopicPartitions {
		elect(t.Topic, t.Partitions, false)
	}
	return response, dropRepeated(records), nil
}

func partitionNumbers(t *metadata.Topic) []int32 {
	numbers := make([]int32, t.Len())
	for i := range numbers {
		numbers[i] = int32(i)
	}
	return numbers
}

// electLeader elects in one partition, or says why not.
func (c *Controller) electLeader(topic string, index int32, kind int8) (metadata.Record, error) {
	t := c.image.Topic(topic)
	if t == nil {
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic '%s'", topic)
	}
	p := t.Partition(index)
	if p == nil {
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no partition %s-%d", topic, index)
	}
	if kind == electPreferred && p.Leader == p.Replicas[0] {
		return nil, protocol.Fail(protocol.ElectionNotNeeded, "the preferred leader, node %d, leads already", p.Leader)
	}
	if kind == electUnclean && p.Leader != metadata.NoNode {
		return nil, protocol.Fail(protocol.ElectionNotNeeded, "the partition has a leader, node %d", p.Leader)
	}
	rules := c.rules(c.image).of(t.Name)
	rules.unclean = kind == electUnclean
	if r := c.completed(&change{preferred: kind == electPreferred}, t, p, rules).record(); r != nil && r.Leader >= 0 {
		return r, nil
	}
	if kind == electPreferred {
		return nil, protocol.Fail(protocol.PreferredLeaderNotAvailable,
			"the preferred leader, node %d, is not alive or not in sync", p.Replicas[0])
	}
	return nil, protocol.Fail(protocol.EligibleLeadersNotAvailable, "no replica of %s-%d is alive", topic, index)
}

// dropRepeated removes the second election of a partition that a request names twice: it was decided before the first
// was carried out.
func dropRepeated(records []metadata.Record) []metadata.Record {
	seen := make(map[partitionKey]struct{}, len(records))
	kept := records[:0]
	for _, r := range records {
		change := r.(*protocol.PartitionChangeRecord)
		k := partitionKey{change.TopicID, change.PartitionID}
		if _, twice := seen[k]; !twice {
			seen[k] = struct{}{}
			kept = append(kept, r)
		}
	}
	return kept
}
