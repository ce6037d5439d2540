package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// completionTimeout bounds how long a shell waits for names. A cluster that is slower completes nothing.
const completionTimeout = 700 * time.Millisecond

// complete offers fixed values for a flag.
func complete(c *cobra.Command, flag string, values ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // no such flag
	}
}

// completeFlag offers the names of a cluster's things for a flag.
func completeFlag(c *cobra.Command, flag string, names func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)) {
	if err := c.RegisterFlagCompletionFunc(flag, names); err != nil {
		panic(err) // no such flag
	}
}

// topicNames completes the names of topics, at most max arguments of them; 0 is no bound.
func (n *connection) topicNames(max int) cobra.CompletionFunc {
	return n.names(max, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		topics, err := admin.ListTopics(ctx)
		return topics.Names(), err
	})
}

// groupNames is topicNames for groups.
func (n *connection) groupNames(max int) cobra.CompletionFunc {
	return n.names(max, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		groups, err := admin.ListGroups(ctx)
		return groups.Groups(), err
	})
}

func (n *connection) names(max int, list func(context.Context, *kadm.Client) ([]string, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if max > 0 && len(args) >= max {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		n.timeout = completionTimeout
		c.SetContext(context.Background())
		var found []string
		err := n.admin(c, func(ctx context.Context, admin *kadm.Client) (err error) {
			found, err = list(ctx, admin)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // a shell has no place for it
		}
		found = slices.DeleteFunc(found, func(name string) bool { return !strings.HasPrefix(name, begun) || slices.Contains(args, name) })
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}
