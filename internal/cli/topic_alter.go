package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

type topicChange struct {
	partitions int
	set        map[string]*string
	unset      []string
}

func newTopicAlter() *cobra.Command {
	var (
		n      connection
		change topicChange
		pairs  []string
	)
	c := &cobra.Command{
		Use:   "alter NAME",
		Short: "Add partitions to a topic, or change its configuration",
		Long: "Add partitions to a topic, or change its configuration. Records stay where they are: after partitions were added, a key\n" +
			"may go to another partition than before.",
		Example: "  skein topic alter orders --partitions 12\n  skein topic alter orders --config retention.ms=86400000 --delete-config segment.bytes",
		Args:    exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if change.set, err = assignments(c, "config", pairs); err != nil {
				return err
			}
			switch {
			case c.Flags().Changed("partitions") && change.partitions < 1:
				return misused(c, "--partitions %d: it is at least 1", change.partitions)
			case change.partitions == 0 && len(change.set) == 0 && len(change.unset) == 0:
				return misused(c, "nothing is to be changed: give --partitions, --config or --delete-config")
			}
			return n.admin(c, func(ctx context.Context, admin *kadm.Client) error { return change.apply(ctx, c, admin, args[0]) })
		},
		ValidArgsFunction: n.topicNames(1),
	}
	n.flags(c)
	f := c.Flags()
	f.IntVar(&change.partitions, "partitions", 0, "have `N` partitions, more than now")
	f.StringArrayVar(&pairs, "config", nil, "set a property of the topic, `NAME=VALUE`; may be repeated")
	f.StringArrayVar(&change.unset, "delete-config", nil, "let a property of the topic have its default again, `NAME`; may be repeated")
	return c
}

// apply changes the configuration first: it is refused as a whole, and can be changed back.
func (t *topicChange) apply(ctx context.Context, c *cobra.Command, admin *kadm.Client, name string) error {
	var done []string
	if configs := t.configs(); len(configs) > 0 {
		responses, err := admin.AlterTopicConfigs(ctx, configs, name)
		if err != nil {
			return err
		}
		r, err := responses.On(name, nil)
		if err == nil {
			err = r.Err
		}
		if err != nil {
			return answered("configuration of topic "+name, err, r.ErrMessage)
		}
		for _, e := range configs {
			if e.Value == nil {
				done = append(done, e.Name+" at its default")
			} else {
				done = append(done, e.Name+"="+*e.Value)
			}
		}
	}
	if t.partitions > 0 {
		responses, err := admin.UpdatePartitions(ctx, t.partitions, name)
		if err != nil {
			return err
		}
		r, err := responses.On(name, nil)
		if err == nil {
			err = r.Err
		}
		if err != nil {
			return answered("partitions of topic "+name, err, r.ErrMessage)
		}
		done = append(done, plural(t.partitions, "partition"))
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "topic %s altered: %s\n", name, strings.Join(done, ", "))
	return err
}

func (t *topicChange) configs() []kadm.AlterConfig {
	var configs []kadm.AlterConfig
	for _, name := range sortedKeys(t.set) {
		configs = append(configs, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: t.set[name]})
	}
	for _, name := range t.unset {
		configs = append(configs, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	return configs
}
