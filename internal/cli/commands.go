package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := family("skein", "An event-streaming broker that speaks Kafka's protocol, and its tools",
		newServe(), newDev(), newTopic(), newProduce(), newConsume(), newGroup(), newCluster(), newQuorum(), newNode(), newLog(), newConfig(), newClient(), newDebug(), newDoctor(), newTour(), newSync(), newBench(), newVersion())
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return misused(c, "%w", err) })
	return root
}

// family is a command that only has others below it.
func family(use, short string, members ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return misused(c, "there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return misused(c, "there is no command %q", args[0])
		},
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
		SuggestionsMinimumDistance: 2,
	}
	c.AddCommand(members...)
	return c
}

// misused is a usageError that names where the command is explained.
func misused(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf(format+"; see "+c.CommandPath()+" --help", args...)}
}

// exactly wants one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return misused(c, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return misused(c, "%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// atLeastOne wants one argument or several.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misused(c, "%s is missing", name)
		}
		return nil
	}
}

// atMostOne wants one argument or none.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return misused(c, "%q is one argument too many", args[1])
	}
	return nil
}
