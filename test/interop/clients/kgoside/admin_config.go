package kgoside

import (
	"context"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kadm"
)

func describeConfigs(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	all, err := adm.DescribeTopicConfigs(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	return configValues(all[0].Configs), all[0].Err
}

func brokerConfigs(ctx context.Context, adm *kadm.Client, _ line.Request) (any, error) {
	m, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	all, err := adm.DescribeBrokerConfigs(ctx, m.Brokers[0].NodeID)
	if err != nil {
		return nil, err
	}
	return configValues(all[0].Configs), all[0].Err
}

func configValues(configs []kadm.Config) any {
	values := map[string]string{}
	for _, c := range configs {
		values[c.Key] = c.MaybeValue()
	}
	return map[string]any{"configs": values}
}

func alterConfigs(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	var changes []kadm.AlterConfig
	for name, value := range r.Configs {
		changes = append(changes, kadm.AlterConfig{Name: name, Value: &value})
	}
	resp, err := adm.AlterTopicConfigsState(ctx, changes, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, resp[0].Err
}

func incrementalConfigs(ctx context.Context, adm *kadm.Client, r line.Request) (any, error) {
	var changes []kadm.AlterConfig
	for name, value := range r.Configs {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	for _, name := range r.Delete {
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	for name, value := range r.Append {
		changes = append(changes, kadm.AlterConfig{Op: kadm.AppendConfig, Name: name, Value: &value})
	}
	resp, err := adm.AlterTopicConfigs(ctx, changes, r.Topic)
	if err != nil {
		return nil, err
	}
	return nil, resp[0].Err
}
