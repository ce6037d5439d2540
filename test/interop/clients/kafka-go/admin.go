package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/skein-io/skein/test/interop/line"
)

// call is one administrative call in progress. It has a transport of its own,
// because the library keeps metadata of the default one for seconds.
type call struct {
	*kafka.Client
	ctx context.Context
	r   line.Request
}

func adminHandlers() map[string]line.Handler {
	handlers := map[string]line.Handler{}
	for name, run := range map[string]func(*call) (any, error){
		"describe_cluster": describeCluster, "create_topic": createTopic, "list_topics": listTopics,
		"describe_topic": describeTopic, "add_partitions": addPartitions, "offsets": offsets, "delete_topic": deleteTopic,
		"describe_configs": describeConfigs, "broker_configs": brokerConfigs, "alter_configs": alterConfigs,
		"incremental_configs": incrementalConfigs, "list_groups": listGroups, "describe_group": describeGroup,
		"group_offsets": groupOffsets, "reset_offsets": resetOffsets, "delete_offsets": deleteOffsets, "delete_group": deleteGroup,
	} {
		handlers[name] = func(_ *line.Session, r line.Request) (any, error) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			return run(&call{Client: &kafka.Client{Addr: kafka.TCP(broker), Transport: &kafka.Transport{}}, ctx: ctx, r: r})
		}
	}
	return handlers
}

func describeCluster(c *call) (any, error) {
	m, err := c.Metadata(c.ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	return map[string]any{"brokers": len(m.Brokers), "cluster": m.ClusterID}, nil
}

func createTopic(c *call) (any, error) {
	topic := kafka.TopicConfig{Topic: c.r.Topic, NumPartitions: c.r.Count, ReplicationFactor: 1}
	for name, value := range c.r.Configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	resp, err := c.CreateTopics(c.ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	return nil, resp.Errors[c.r.Topic]
}

func listTopics(c *call) (any, error) {
	m, err := c.Metadata(c.ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range m.Topics {
		names = append(names, t.Name)
	}
	return map[string]any{"topics": names}, nil
}

func describeTopic(c *call) (any, error) {
	m, err := c.Metadata(c.ctx, &kafka.MetadataRequest{Topics: []string{c.r.Topic}})
	if err != nil {
		return nil, err
	}
	return map[string]any{"partitions": len(m.Topics[0].Partitions)}, m.Topics[0].Error
}

func addPartitions(c *call) (any, error) {
	resp, err := c.CreatePartitions(c.ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: c.r.Topic, Count: int32(c.r.Count)}}})
	if err != nil {
		return nil, err
	}
	return nil, resp.Errors[c.r.Topic]
}

func offsets(c *call) (any, error) {
	p := int(c.r.Partition)
	resp, err := c.ListOffsets(c.ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{c.r.Topic: {kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p)}}})
	if err != nil {
		return nil, err
	}
	one := resp.Topics[c.r.Topic][0]
	return map[string]any{"earliest": one.FirstOffset, "latest": one.LastOffset}, one.Error
}

func deleteTopic(c *call) (any, error) {
	resp, err := c.DeleteTopics(c.ctx, &kafka.DeleteTopicsRequest{Topics: []string{c.r.Topic}})
	if err != nil {
		return nil, err
	}
	return nil, resp.Errors[c.r.Topic]
}

func listGroups(c *call) (any, error) {
	resp, err := c.ListGroups(c.ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, g := range resp.Groups {
		names = append(names, g.GroupID)
	}
	return map[string]any{"groups": names}, resp.Error
}

func describeGroup(c *call) (any, error) {
	resp, err := c.DescribeGroups(c.ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{c.r.Group}})
	if err == nil {
		err = resp.Groups[0].Error
	}
	if err != nil && strings.Contains(err.Error(), "failed to decode member metadata") {
		return nil, line.ErrUnsupported // it reads no newer subscription of another library's member
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"state": resp.Groups[0].GroupState, "members": len(resp.Groups[0].Members)}, nil
}

func groupOffsets(c *call) (any, error) {
	resp, err := c.OffsetFetch(c.ctx, &kafka.OffsetFetchRequest{GroupID: c.r.Group, Topics: map[string][]int{c.r.Topic: {0, 1, 2, 3}}})
	if err != nil {
		return nil, err
	}
	found := map[string]int64{}
	for _, p := range resp.Topics[c.r.Topic] {
		if p.CommittedOffset >= 0 {
			found[strconv.Itoa(p.Partition)] = p.CommittedOffset
		}
	}
	return map[string]any{"offsets": found}, resp.Error
}

func resetOffsets(c *call) (any, error) {
	var commits []kafka.OffsetCommit
	for p, o := range c.r.Offsets {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, err
		}
		commits = append(commits, kafka.OffsetCommit{Partition: n, Offset: o})
	}
	resp, err := c.OffsetCommit(c.ctx, &kafka.OffsetCommitRequest{GroupID: c.r.Group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{c.r.Topic: commits}})
	if err != nil {
		return nil, err
	}
	for _, p := range resp.Topics[c.r.Topic] {
		err = errors.Join(err, p.Error)
	}
	return nil, err
}

func deleteOffsets(c *call) (any, error) {
	which := []int{}
	for _, p := range c.r.Partitions {
		which = append(which, int(p))
	}
	resp, err := c.OffsetDelete(c.ctx, &kafka.OffsetDeleteRequest{GroupID: c.r.Group, Topics: map[string][]int{c.r.Topic: which}})
	if err != nil {
		return nil, err
	}
	err = resp.Error
	for _, p := range resp.Topics[c.r.Topic] {
		err = errors.Join(err, p.Error)
	}
	return nil, err
}

func deleteGroup(c *call) (any, error) {
	resp, err := c.DeleteGroups(c.ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{c.r.Group}})
	if err != nil {
		return nil, err
	}
	return nil, resp.Errors[c.r.Group]
}
