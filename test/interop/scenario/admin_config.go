package scenario

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/test/interop/line"
)

// configs reads the topic's configuration: every known config is listed, with
// what was set at creation.
func (a *admin) configs(ctx context.Context) error {
	got := a.call(ctx, line.Request{Cmd: "describe_configs"})
	if got == nil {
		return nil
	}
	for name, want := range map[string]string{
		"segment.bytes": "1073741824", "cleanup.policy": "delete", "max.message.bytes": "1048588", "compression.type": "producer",
	} {
		a.want(got.Configs[name] == want, "describe_configs: %s is %q, want %q", name, got.Configs[name], want)
	}
	a.want(len(got.Configs) >= 25, "describe_configs: %d configs, want at least 25", len(got.Configs))
	return nil
}

// alterConfigs changes the configuration by both calls.
func (a *admin) alterConfigs(ctx context.Context) error {
	legacy := line.Request{Cmd: "alter_configs", Configs: map[string]string{"max.message.bytes": "500000", "retention.ms": "7200000"}}
	if a.call(ctx, legacy) != nil {
		if err := a.config(ctx, "max.message.bytes", "500000"); err != nil {
			return err
		}
	}
	change := line.Request{Cmd: "incremental_configs", Configs: map[string]string{"retention.ms": "1800000"},
		Delete: []string{"max.message.bytes"}, Append: map[string]string{"cleanup.policy": "compact"}}
	if a.call(ctx, change) == nil {
		return nil
	}
	for name, want := range map[string]string{
		"retention.ms": "1800000", "max.message.bytes": "1048588", "cleanup.policy": "delete,compact",
	} {
		if err := a.config(ctx, name, want); err != nil {
			return err
		}
	}
	back := line.Request{Cmd: "incremental_configs", Configs: map[string]string{"cleanup.policy": "delete"}}
	a.call(ctx, back)
	return a.config(ctx, "cleanup.policy", "delete")
}

// config compares one value, as the orchestrator's own client reads it.
func (a *admin) config(ctx context.Context, name, want string) error {
	all, err := a.env.adm.DescribeTopicConfigs(ctx, a.topic)
	if err != nil {
		return fmt.Errorf("describe configs: %w", err)
	}
	for _, c := range all[0].Configs {
		if c.Key == name {
			a.want(c.MaybeValue() == want, "after the change %s is %q, want %q", name, c.MaybeValue(), want)
			return nil
		}
	}
	a.want(false, "after the change %s is not listed", name)
	return nil
}
