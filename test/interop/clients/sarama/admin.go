package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/IBM/sarama"
	"github.com/skein-io/skein/test/interop/line"
)

// session is one administrative call's client and admin.
type session struct {
	sarama.ClusterAdmin
	client sarama.Client
	r      line.Request
}

func adminHandlers() map[string]line.Handler {
	handlers := map[string]line.Handler{}
	for name, call := range map[string]func(*session) (any, error){
		"describe_cluster": describeCluster, "create_topic": createTopic, "list_topics": listTopics,
		"describe_topic": describeTopic, "add_partitions": addPartitions, "delete_records": deleteRecords,
		"offsets": offsets, "delete_topic": deleteTopic, "describe_configs": describeConfigs,
		"broker_configs": brokerConfigs, "alter_configs": alterConfigs, "incremental_configs": incrementalConfigs,
		"list_groups": listGroups, "describe_group": describeGroup, "group_offsets": groupOffsets,
		"reset_offsets": resetOffsets, "delete_offsets": deleteOffsets, "delete_group": deleteGroup,
	} {
		handlers[name] = func(_ *line.Session, r line.Request) (any, error) { return connected(r, call) }
	}
	return handlers
}

func connected(r line.Request, call func(*session) (any, error)) (any, error) {
	client, err := sarama.NewClient(brokers, config())
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	defer func() { _ = admin.Close() }()
	return call(&session{ClusterAdmin: admin, client: client, r: r})
}

func describeCluster(s *session) (any, error) {
	brokers, _, err := s.DescribeCluster()
	return map[string]any{"brokers": len(brokers)}, err
}

func createTopic(s *session) (any, error) {
	configs := map[string]*string{}
	for name, value := range s.r.Configs {
		configs[name] = &value
	}
	return nil, s.CreateTopic(s.r.Topic, &sarama.TopicDetail{NumPartitions: int32(s.r.Count), ReplicationFactor: 1, ConfigEntries: configs}, false)
}

func listTopics(s *session) (any, error) {
	topics, err := s.ListTopics()
	names := make([]string, 0, len(topics))
	for name := range topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return map[string]any{"topics": names}, err
}

func describeTopic(s *session) (any, error) {
	topics, err := s.DescribeTopics([]string{s.r.Topic})
	if err != nil {
		return nil, err
	}
	if topics[0].Err != sarama.ErrNoError {
		return nil, topics[0].Err
	}
	return map[string]any{"partitions": len(topics[0].Partitions)}, nil
}

func addPartitions(s *session) (any, error) {
	return nil, s.CreatePartitions(s.r.Topic, int32(s.r.Count), nil, false)
}

// deleteRecords does not tell the low watermark.
func deleteRecords(s *session) (any, error) {
	return nil, s.DeleteRecords(s.r.Topic, map[int32]int64{s.r.Partition: s.r.Offset})
}

func offsets(s *session) (any, error) {
	earliest, err := s.client.GetOffset(s.r.Topic, s.r.Partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	latest, err := s.client.GetOffset(s.r.Topic, s.r.Partition, sarama.OffsetNewest)
	return map[string]any{"earliest": earliest, "latest": latest}, err
}

func deleteTopic(s *session) (any, error) { return nil, s.DeleteTopic(s.r.Topic) }

func listGroups(s *session) (any, error) {
	groups, err := s.ListConsumerGroups()
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	return map[string]any{"groups": names}, err
}

func describeGroup(s *session) (any, error) {
	groups, err := s.DescribeConsumerGroups([]string{s.r.Group})
	if err != nil {
		return nil, err
	}
	if groups[0].Err != sarama.ErrNoError {
		return nil, groups[0].Err
	}
	return map[string]any{"state": groups[0].State, "members": len(groups[0].Members)}, nil
}

func groupOffsets(s *session) (any, error) {
	all, err := s.ListConsumerGroupOffsets(s.r.Group, nil)
	if err != nil {
		return nil, err
	}
	found := map[string]int64{}
	for p, block := range all.Blocks[s.r.Topic] {
		found[strconv.Itoa(int(p))] = block.Offset
	}
	return map[string]any{"offsets": found}, nil
}

func resetOffsets(s *session) (any, error) {
	manager, err := sarama.NewOffsetManagerFromClient(s.r.Group, s.client)
	if err != nil {
		return nil, err
	}
	defer func() { _ = manager.Close() }()
	for p, o := range s.r.Offsets {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, err
		}
		part, err := manager.ManagePartition(s.r.Topic, int32(n))
		if err != nil {
			return nil, err
		}
		part.MarkOffset(o, "")
		part.AsyncClose()
	}
	manager.Commit()
	return nil, nil
}

func deleteOffsets(s *session) (any, error) {
	for _, p := range s.r.Partitions {
		if err := s.DeleteConsumerGroupOffset(s.r.Group, s.r.Topic, p); err != nil {
			return nil, fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return nil, nil
}

func deleteGroup(s *session) (any, error) { return nil, s.DeleteConsumerGroup(s.r.Group) }
