package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newTopicCreate() *cobra.Command {
	var (
		n          connection
		partitions int32
		factor     int16
		configs    []string
		dryRun     bool
	)
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a topic",
		Example: "  skein topic create orders --partitions 6\n" +
			"  skein topic create prices --config cleanup.policy=compact --config min.compaction.lag.ms=60000",
		Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			if partitions == 0 || partitions < -1 || factor == 0 || factor < -1 {
				return misused(c, "--partitions and --replication-factor are at least 1; without them the broker's defaults rule")
			}
			values, err := assignments(c, "config", configs)
			if err != nil {
				return err
			}
			return n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				return createTopic(ctx, c, admin, args[0], partitions, factor, values, dryRun)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	n.flags(c)
	f := c.Flags()
	f.Int32Var(&partitions, "partitions", -1, "make `N` partitions (num.partitions)")
	f.Int16Var(&factor, "replication-factor", -1, "keep `N` replicas of each (default.replication.factor)")
	f.StringArrayVar(&configs, "config", nil, "set a property of the topic, `NAME=VALUE`; may be repeated")
	f.BoolVar(&dryRun, "dry-run", false, "only ask whether the broker would create it")
	return c
}

func createTopic(ctx context.Context, c *cobra.Command, admin *kadm.Client, name string, partitions int32, factor int16, configs map[string]*string, dryRun bool) error {
	create, would := admin.CreateTopics, ""
	if dryRun {
		create, would = admin.ValidateCreateTopics, "would be "
	}
	responses, err := create(ctx, partitions, factor, configs, name)
	if err != nil {
		return err
	}
	r := responses[name]
	if r.Err != nil {
		return answered("topic "+name, r.Err, r.ErrMessage)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "topic %s %screated: %s, replication factor %d\n", name, would, plural(r.NumPartitions, "partition"), r.ReplicationFactor)
	return err
}
