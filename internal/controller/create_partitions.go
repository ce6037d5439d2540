package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// createPartitions adds partitions at the end of topics (KIP-195). Existing records stay where they are.
func (c *Controller) createPartitions(e *CreatePartitions) (protocol.Message, []metadata.Record, error) {
	topics := e.Request.Topics
	response := protocol.NewCreatePartitionsResponse()
	name := func(t *protocol.CreatePartitionsRequestTopic) string { return t.Name }
	occurrences := counts(topics, name)
	var records []metadata.Record
	for i := range topics {
		t := &topics[i]
		n := occurrences[t.Name]
		if n == 0 {
			continue // a duplicate that was answered
		}
		occurrences[t.Name] = 0
		more, err := c.morePartitions(t, n, e.Start, RecordsMax-len(records))
		if err == nil {
			records = append(records, more...)
		}
		r := protocol.NewCreatePartitionsResponseTopicResult()
		r.Name = t.Name
		r.ErrorCode, r.ErrorMessage = answer(err)
		response.Results = append(response.Results, r)
	}
	if e.Request.ValidateOnly {
		records = nil
	}
	return response, records, nil
}

func (c *Controller) morePartitions(t *protocol.CreatePartitionsRequestTopic, occurrences int, start uint32, recordsMax int) ([]metadata.Record, error) {
	if occurrences > 1 {
		return nil, protocol.Fail(protocol.InvalidRequest, "duplicate topic name")
	}
	topic := c.image.Topic(t.Name)
	if topic == nil {
		return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic '%s'", t.Name)
	}
	more := int(t.Count) - topic.Len()
	switch {
	case more == 0:
		return nil, protocol.Fail(protocol.InvalidPartitions, "topic already has %d partition(s)", topic.Len())
	case more < 0:
		return nil, protocol.Fail(protocol.InvalidPartitions,
			"the topic %s currently has %d partition(s); %d would not be an increase", t.Name, topic.Len(), t.Count)
	case t.Assignments != nil && len(t.Assignments) != more:
		return nil, protocol.Fail(protocol.InvalidReplicaAssignment,
			"attempted to add %d additional partition(s), but only %d assignment(s) were specified", more, len(t.Assignments))
	case more > recordsMax:
		return nil, protocol.Fail(protocol.PolicyViolation,
			"the request makes more than %d records in the metadata log; add fewer partitions at once", RecordsMax)
	}
	replicas := topic.ReplicationFactor()
	place := c.placement(start)
	if err := place.check(replicas); t.Assignments == nil && err != nil {
		return nil, err
	}
	var assignments [][]metadata.NodeID
	for i, a := range t.Assignments {
		if err := c.checkAssignment(int32(topic.Len()+i), a.BrokerIDs, replicas); err != nil {
			return nil, err
		}
		assignments = append(assignments, nodes(a.BrokerIDs))
	}
	records := make([]metadata.Record, more)
	for i := range records {
		records[i] = c.newPartition(topic.ID, int32(topic.Len()+i), place.assigned(assignments, i, replicas))
	}
	return records, nil
}
