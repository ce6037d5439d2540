package kgoside

import (
	"context"
	"strconv"
	"time"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kadm"
)

// admin gives a handler an admin client for one call.
func admin(call func(ctx context.Context, adm *kadm.Client, r line.Request) (any, error)) line.Handler {
	return func(_ *line.Session, r line.Request) (any, error) {
		cl, err := Client()
		if err != nil {
			return nil, err
		}
		defer cl.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return call(ctx, kadm.NewClient(cl), r)
	}
}

// AdminHandlers are the commands about topics, configs and groups.
func AdminHandlers() map[string]line.Handler {
	handlers := map[string]line.Handler{}
	for name, call := range map[string]func(context.Context, *kadm.Client, line.Request) (any, error){
		"create_topic": createTopic, "list_topics": listTopics, "describe_topic": describeTopic,
		"add_partitions": addPartitions, "delete_records": deleteRecords, "offsets": offsets, "delete_topic": deleteTopic,
		"describe_configs": describeConfigs, "broker_configs": brokerConfigs, "alter_configs": alterConfigs,
		"incremental_configs": incrementalConfigs, "list_groups": listGroups, "describe_group": describeGroup,
		"group_offsets": groupOffsets, "reset_offsets": resetOffsets, "delete_offsets": deleteOffsets,
		"delete_group": deleteGroup, "describe_cluster": describeCluster,
	} {
		handlers[name] = admin(call)
	}
	return handlers
}

func createTopic(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	configs := map[string]*string{}
	for name, value := range r.Configs {
		configs[name] = &value
	}
	resp, err := adm.CreateTopic(ctx, int32(r.Count), -1, configs, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, resp.Err
}

func listTopics(ctx context.Context, adm *kadm.Client, _ line.Request) (any, error) {
	topics, err := adm.ListTopics(ctx)
	return map[string]any{"topics": topics.Names()}, err
}

func describeTopic(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	topics, err := adm.ListTopics(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	return map[string]any{"partitions": len(topics[r.Topic].Partitions)}, topics.Error()
}

func addPartitions(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	resp, err := adm.UpdatePartitions(ctx, r.Count, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, resp.Error()
}

func deleteRecords(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	var before kadm.Offsets
	before.AddOffset(r.Topic, r.Partition, r.Offset, -1)
	resp, err := adm.DeleteRecords(ctx, before)
	if err != nil {
		return nil, err
	}
	one, _ := resp.Lookup(r.Topic, r.Partition)
	return map[string]any{"low": one.LowWatermark}, one.Err
}

func offsets(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	start, err := adm.ListStartOffsets(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	end, err := adm.ListEndOffsets(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	earliest, _ := start.Lookup(r.Topic, r.Partition)
	latest, _ := end.Lookup(r.Topic, r.Partition)
	return map[string]any{"earliest": earliest.Offset, "latest": latest.Offset}, latest.Err
}

func deleteTopic(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	resp, err := adm.DeleteTopic(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, resp.Err
}

func describeCluster(ctx context.Context, adm *kadm.Client, _ line.Request) (any, error) {
	m, err := adm.BrokerMetadata(ctx)
	return map[string]any{"brokers": len(m.Brokers), "cluster": m.Cluster}, err
}

func partitionOffsets(topic string, offsets map[string]int64) kadm.Offsets {
	var all kadm.Offsets
	for p, o := range offsets {
		n, _ := strconv.Atoi(p)
		all.AddOffset(topic, int32(n), o, -1)
	}
	return all
}
