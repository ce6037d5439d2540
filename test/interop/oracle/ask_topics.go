package main

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func createTopic(name string, partitions int32, replication int16) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 3000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replication
	req.Topics = append(req.Topics, t)
	return req
}

// probeTopics creates good and impossible topics.
func probeTopics(s *session) {
	s.warm() // or the offsets topic would be created with one partition below
	each(0, 7, func(v int16) {
		name := func(what string) string { return fmt.Sprintf("topics-%s-%d", what, v) }
		s.ask("create", v, createTopic(name("a"), 2, 1))
		s.ask("create again", v, createTopic(name("a"), 2, 1))
		if v >= 4 {
			s.ask("create with defaults", v, createTopic(name("default"), -1, -1))
		}
		for _, bad := range []string{"", ".", "..", "a/b", "../x", "a b", "ünlaut", strings.Repeat("x", 250), "nul\x00"} {
			s.ask(fmt.Sprintf("named %.12q", bad), v, createTopic(bad, 1, 1))
		}
		s.ask("no partitions", v, createTopic(name("none"), 0, 1))
		s.ask("minus two partitions", v, createTopic(name("minus"), -2, 1))
		s.ask("replication 0", v, createTopic(name("r0"), 1, 0))
		s.ask("replication 3", v, createTopic(name("r3"), 1, 3))
		s.createSpecial(v, name)
	})
	s.ask("names that collide: first", 5, createTopic("topics.collide_a", 1, 1))
	s.ask("names that collide: second", 5, createTopic("topics_collide.a", 1, 1))
	twice := createTopic("topics-twice", 1, 1)
	twice.Topics = append(twice.Topics, twice.Topics[0])
	s.ask("the same name twice", 5, twice)
	s.ask("internal topic, which is there", 5, createTopic("__consumer_offsets", 1, 1))
}

func (s *session) createSpecial(v int16, name func(string) string) {
	config := func(what, key string, value *string) {
		req := createTopic(name(strings.ReplaceAll(what, " ", "-")), 1, 1)
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, value
		req.Topics[0].Configs = append(req.Topics[0].Configs, c)
		s.ask(what, v, req)
	}
	config("good config", "retention.ms", kmsg.StringPtr("12345"))
	config("bad config value", "retention.ms", kmsg.StringPtr("soon"))
	config("config out of range", "segment.bytes", kmsg.StringPtr("1"))
	config("unknown config", "no.such.config", kmsg.StringPtr("1"))
	config("null config", "retention.ms", nil)
	if v >= 1 {
		check := createTopic(name("check"), 1, 1)
		check.ValidateOnly = true
		s.ask("validate only", v, check)
		s.ask("after validate only", v, createTopic(name("check"), 1, 1))
	}
	assigned := createTopic(name("assigned"), -1, -1)
	a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	a.Partition, a.Replicas = 0, []int32{4711}
	assigned.Topics[0].ReplicaAssignment = append(assigned.Topics[0].ReplicaAssignment, a)
	s.ask("assigned to an unknown broker", v, assigned)
}

// probePartitions adds partitions.
func probePartitions(s *session) {
	s.topic("partitions-a", 2, nil)
	count := int32(2)
	each(0, 3, func(v int16) {
		count++
		s.ask("one more", v, addPartitions("partitions-a", count, false))
		s.ask("as many as there are", v, addPartitions("partitions-a", count, false))
		s.ask("fewer", v, addPartitions("partitions-a", 1, false))
		s.ask("none", v, addPartitions("partitions-a", 0, false))
		s.ask("unknown topic", v, addPartitions("partitions-unknown", 4, false))
		s.ask("validate only", v, addPartitions("partitions-a", count+5, true))
		twice := addPartitions("partitions-a", count+1, false)
		twice.Topics = append(twice.Topics, twice.Topics[0])
		s.ask("the same topic twice", v, twice)
	})
}

func addPartitions(topic string, count int32, validate bool) *kmsg.CreatePartitionsRequest {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis, req.ValidateOnly = 3000, validate
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, count
	req.Topics = append(req.Topics, t)
	return req
}

// probeDelete deletes records and topics.
func probeDelete(s *session) {
	s.topic("delete-a", 1, nil)
	s.quiet(9, produceTo("delete-a", [16]byte{}, 0, -1, plain("a", "b", "c", "d", "e", "f", "g", "h").bytes()))
	each(0, 2, func(v int16) {
		for _, before := range []int64{1 + int64(v), 0, 8 + 1, -2} {
			s.ask(fmt.Sprintf("records before %d", before), v, deleteRecords("delete-a", 0, before))
		}
		s.ask("records of an unknown partition", v, deleteRecords("delete-a", 3, 1))
		s.ask("records of an unknown topic", v, deleteRecords("delete-unknown", 0, 1))
	})
	s.ask("start after deletion", 7, listOffsets("delete-a", 1, -2))
	s.ask("all records", 2, deleteRecords("delete-a", 0, -1))
	s.ask("fetch before the start", 11, fetchFrom("delete-a", [16]byte{}, 0, 2))
	each(0, 6, func(v int16) {
		name := fmt.Sprintf("delete-topic-%d", v)
		s.topic(name, 1, nil)
		s.ask("topic", v, deleteTopic(name, [16]byte{}, v))
		s.ask("topic again", v, deleteTopic(name, [16]byte{}, v))
		s.ask("topic with an impossible name", v, deleteTopic("a/b", [16]byte{}, v))
	})
	s.topic("delete-by-id", 1, nil)
	id := s.topicID("delete-by-id")
	s.ask("topic by id", 6, deleteTopic("", id, 6))
	s.ask("topic by unknown id", 6, deleteTopic("", [16]byte{1}, 6))
	s.ask("produce to a deleted topic", 9, produceTo("delete-by-id", [16]byte{}, 0, -1, plain("a").bytes()))
}

func deleteRecords(topic string, partition int32, before int64) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 3000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func deleteTopic(name string, id [16]byte, version int16) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 3000
	if version < 6 {
		req.TopicNames = []string{name}
		return req
	}
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.TopicID = id
	if name != "" {
		t.Topic = kmsg.StringPtr(name)
	}
	req.Topics = append(req.Topics, t)
	return req
}
