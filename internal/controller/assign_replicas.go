package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// assignReplicas takes where a broker has its replicas (KIP-858). A broker has one log directory, so its own says nothing new.
// Any other is one that it has not, such as metadata.LostDirectory: what it acknowledged of those replicas is gone. It loses
// their leadership and its place in ISR and ELR, and the leader epoch grows: what it said of its log before does not count
// when it comes back.
func (c *Controller) assignReplicas(e *AssignReplicas) (protocol.Message, []metadata.Record, error) {
	b, err := c.registered(e.Request.BrokerID, e.Request.BrokerEpoch)
	if err != nil {
		return nil, nil, err
	}
	response := protocol.NewAssignReplicasToDirsResponse()
	lost := map[partitionKey]bool{}
	for i := range e.Request.Directories {
		asked := &e.Request.Directories[i]
		answered := protocol.NewAssignReplicasToDirsResponseDirectoryData()
		answered.ID = asked.ID
		for j := range asked.Topics {
			topic := protocol.NewAssignReplicasToDirsResponseTopicData()
			topic.TopicID = asked.Topics[j].TopicID
			for _, p := range asked.Topics[j].Partitions {
				result := protocol.NewAssignReplicasToDirsResponsePartitionData()
				result.PartitionIndex = p.PartitionIndex
				result.ErrorCode = c.checkReplica(b.ID, topic.TopicID, p.PartitionIndex)
				if result.ErrorCode == protocol.None && !slices.Contains(b.LogDirs, asked.ID) {
					lost[partitionKey{topic.TopicID, p.PartitionIndex}] = true
				}
				topic.Partitions = append(topic.Partitions, result)
			}
			answered.Topics = append(answered.Topics, topic)
		}
		response.Directories = append(response.Directories, answered)
	}
	return response, c.withoutReplicas(b.ID, lost), nil
}

// checkReplica says whether a broker has a replica of a partition.
func (c *Controller) checkReplica(id metadata.NodeID, topic protocol.UUID, index int32) protocol.Code {
	t := c.image.TopicByID(topic)
	switch {
	case t == nil:
		return protocol.UnknownTopicID
	case t.Partition(index) == nil:
		return protocol.UnknownTopicOrPartition
	case !slices.Contains(t.Partition(index).Replicas, id):
		return protocol.NotLeaderOrFollower
	}
	return protocol.None
}

// withoutReplicas takes from a broker what it has lost. A partition without another replica stays as it is: nobody has more.
func (c *Controller) withoutReplicas(id metadata.NodeID, lost map[partitionKey]bool) []metadata.Record {
	if len(lost) == 0 {
		return nil
	}
	var records []metadata.Record
	rules := c.rules(c.image)
	for t := range c.image.Topics() {
		for p := range t.Partitions() {
			if !lost[partitionKey{t.ID, p.Index}] || len(p.Replicas) == 1 {
				continue
			}
			ch := &change{isr: without(p.ISR, id), lost: &loss{broker: id, all: true}, newEpoch: true,
				alive: func(r metadata.NodeID) bool { return r != id && c.isActive(r) }}
			if r := c.completed(ch, t, p, rules.of(t.Name)).record(); r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}
