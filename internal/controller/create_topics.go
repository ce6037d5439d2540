package controller

import (
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// createTopics answers for each topic by itself: those that can be created are, together.
func (c *Controller) createTopics(e *CreateTopics) (protocol.Message, []metadata.Record, error) {
	topics := e.Request.Topics
	if len(e.TopicIDs) < len(topics) {
		return nil, nil, protocol.Fail(protocol.UnknownServerError, "%d ids for %d topics", len(e.TopicIDs), len(topics))
	}
	response := protocol.NewCreateTopicsResponse()
	name := func(t *protocol.CreateTopicsRequestCreatableTopic) string { return t.Name }
	occurrences := counts(topics, name)
	var records []metadata.Record
	created := make(map[string]string) // by collision key, what this request creates
	for i := range topics {
		t := &topics[i]
		n := occurrences[t.Name]
		if n == 0 {
			continue // a duplicate that was answered
		}
		occurrences[t.Name] = 0
		plan, err := c.planTopic(t, n, created, RecordsMax-len(records))
		if err != nil {
			response.Topics = append(response.Topics, refusedTopic(t.Name, err))
			continue
		}
		created[metadata.CollisionKey(t.Name)] = t.Name
		records = append(records, plan.records(c, e.TopicIDs[i], e.Start)...)
		response.Topics = append(response.Topics, c.createdTopic(plan, e.TopicIDs[i]))
	}
	if e.Request.ValidateOnly {
		records = nil
	}
	return response, records, nil
}

// topicPlan is a topic that may be created.
type topicPlan struct {
	name        string
	config      *metadata.ConfigSet
	assignments [][]metadata.NodeID // by partition; nil where the controller places the replicas
	partitions  int
	replicas    int
}

// planTopic checks one topic of the request.
func (c *Controller) planTopic(t *protocol.CreateTopicsRequestCreatableTopic, occurrences int, created map[string]string, recordsMax int) (*topicPlan, error) {
	if occurrences > 1 {
		return nil, protocol.Fail(protocol.InvalidRequest, "duplicate topic name")
	}
	if t.Name == metadata.ClusterMetadataTopic {
		return nil, protocol.Fail(protocol.InvalidRequest, "creation of internal topic %s is prohibited", t.Name)
	}
	if err := metadata.CheckTopicName(t.Name); err != nil {
		return nil, protocol.Fail(protocol.InvalidTopicException, "%w", err)
	}
	if c.image.Topic(t.Name) != nil {
		return nil, protocol.Fail(protocol.TopicAlreadyExists, "topic '%s' already exists", t.Name)
	}
	other := c.image.Colliding(t.Name)
	if other == "" {
		other = created[metadata.CollisionKey(t.Name)]
	}
	if other != "" {
		return nil, protocol.Fail(protocol.InvalidTopicException, "topic '%s' collides with existing topic: %s", t.Name, other)
	}
	config, err := c.newTopicConfig(t)
	if err != nil {
		return nil, err
	}
	plan := &topicPlan{name: t.Name, config: config}
	if len(t.Assignments) > 0 {
		err = c.planAssigned(plan, t)
	} else {
		err = c.planPlaced(plan, t)
	}
	if err == nil && 1+config.Len()+plan.partitions > recordsMax {
		err = protocol.Fail(protocol.PolicyViolation,
			"the request makes more than %d records in the metadata log; create fewer partitions at once", RecordsMax)
	}
	return plan, err
}

func (c *Controller) newTopicConfig(t *protocol.CreateTopicsRequestCreatableTopic) (*metadata.ConfigSet, error) {
	var config *metadata.ConfigSet
	var without []string
	for _, s := range t.Configs {
		if s.Value == nil {
			without = append(without, s.Name)
			continue
		}
		config = config.With(s.Name, *s.Value)
	}
	if without != nil {
		return nil, protocol.Fail(protocol.InvalidConfig,
			"null value not supported for topic configs: %s", strings.Join(without, ","))
	}
	return config, c.config.Rules.Check(metadata.Resource{Type: metadata.TopicResource, Name: t.Name}, config)
}

// planAssigned takes the client's own assignment of replicas.
func (c *Controller) planAssigned(plan *topicPlan, t *protocol.CreateTopicsRequestCreatableTopic) error {
	if t.ReplicationFactor != -1 {
		return protocol.Fail(protocol.InvalidRequest,
			"a manual partition assignment was specified, but replication factor was not set to -1")
	}
	if t.NumPartitions != -1 {
		return protocol.Fail(protocol.InvalidRequest,
			"a manual partition assignment was specified, but numPartitions was not set to -1")
	}
	plan.assignments = make([][]metadata.NodeID, len(t.Assignments))
	for _, a := range t.Assignments {
		if int(a.PartitionIndex) >= len(t.Assignments) || a.PartitionIndex < 0 {
			return protocol.Fail(protocol.InvalidReplicaAssignment,
				"partitions should be a consecutive 0-based integer sequence, but there is partition %d of %d",
				a.PartitionIndex, len(t.Assignments))
		}
		if plan.assignments[a.PartitionIndex] != nil {
			return protocol.Fail(protocol.InvalidReplicaAssignment,
				"found multiple manual partition assignments for partition %d", a.PartitionIndex)
		}
		if err := c.checkAssignment(a.PartitionIndex, a.BrokerIDs, plan.replicas); err != nil {
			return err
		}
		plan.assignments[a.PartitionIndex] = nodes(a.BrokerIDs)
		plan.replicas = len(a.BrokerIDs)
	}
	plan.partitions = len(plan.assignments)
	return nil
}

// planPlaced takes numbers, or the defaults, and leaves the placement to the controller.
func (c *Controller) planPlaced(plan *topicPlan, t *protocol.CreateTopicsRequestCreatableTopic) error {
	switch {
	case t.ReplicationFactor < -1 || t.ReplicationFactor == 0:
		return protocol.Fail(protocol.InvalidReplicationFactor,
			"replication factor must be larger than 0, or -1 to use the default value")
	case t.NumPartitions < -1 || t.NumPartitions == 0:
		return protocol.Fail(protocol.InvalidPartitions, "number of partitions was set to an invalid non-positive value")
	}
	plan.partitions, plan.replicas = int(t.NumPartitions), int(t.ReplicationFactor)
	if t.NumPartitions == -1 {
		plan.partitions = int(c.config.PartitionsDefault)
	}
	if t.ReplicationFactor == -1 {
		plan.replicas = int(c.config.ReplicationFactor)
	}
	place := c.placement(0)
	return place.check(plan.replicas)
}

// records are the topic, its configuration, its partitions, in this order.
func (p *topicPlan) records(c *Controller, id protocol.UUID, start uint32) []metadata.Record {
	records := make([]metadata.Record, 0, 1+p.config.Len()+p.partitions)
	records = append(records, &protocol.TopicRecord{Name: p.name, TopicID: id})
	for name, value := range p.config.All() {
		resource := metadata.Resource{Type: metadata.TopicResource, Name: p.name}
		records = append(records, metadata.ConfigRecord(resource, name, &value))
	}
	place := c.placement(start)
	for i := range p.partitions {
		replicas := place.assigned(p.assignments, i, p.replicas)
		records = append(records, c.newPartition(id, int32(i), replicas))
	}
	return records
}

// assigned is the client's choice of replicas for a partition, or the controller's where there is none.
func (p *placement) assigned(assignments [][]metadata.NodeID, partition, replicationFactor int) []metadata.NodeID {
	if assignments != nil {
		return assignments[partition]
	}
	return p.replicas(partition, replicationFactor)
}

func refusedTopic(name string, err error) protocol.CreateTopicsResponseCreatableTopicResult {
	r := protocol.NewCreateTopicsResponseCreatableTopicResult()
	r.Name = name
	r.ErrorCode, r.ErrorMessage = answer(err)
	return r
}

func (c *Controller) createdTopic(p *topicPlan, id protocol.UUID) protocol.CreateTopicsResponseCreatableTopicResult {
	r := protocol.NewCreateTopicsResponseCreatableTopicResult()
	r.Name, r.TopicID = p.name, id
	r.NumPartitions, r.ReplicationFactor = int32(p.partitions), int16(p.replicas)
	r.Configs = c.config.Rules.Describe(c.image, p.config)
	return r
}
