package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

func newGroupWhy() *cobra.Command {
	var (
		n       connection
		o       output
		entries int
	)
	c := &cobra.Command{
		Use:   "why GROUP",
		Short: "Tell what happened to a group: who came and went, why it rebalanced, who was waited for",
		Long: "Tell what happened to a group, the newest first: who joined, left, expired or was fenced, why it rebalanced and how long that\n" +
			"took, who was waited for, which partitions moved, who still used a generation that is over, which offsets expired. A group keeps a\n" +
			"diary of its last 64 generations in __consumer_offsets, so it survives restarts and moves with the coordinator. Only brokers of\n" +
			"skein keep one.",
		Example: "  skein group why billing\n  skein group why billing --entries 1\n  skein group why billing -o json",
		Args:    exactly("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if entries < 0 {
				return misused(c, "--entries %d: it is at least 0", entries)
			}
			found, err := askWhy(c, &n, args[0], o.format == "json")
			if err != nil {
				return err
			}
			if c.Flags().Changed("entries") && len(found.Entries) > entries {
				found.Entries = found.Entries[:entries]
			}
			return o.print(c, found, found.print)
		},
		ValidArgsFunction: n.groupNames(1),
	}
	n.flags(c)
	o.flag(c)
	c.Flags().IntVar(&entries, "entries", 64, "tell the newest `N` entries")
	return c
}

// askWhy asks the group's coordinator. A cluster that keeps no diaries is told at once.
func askWhy(c *cobra.Command, n *connection, group string, offsets bool) (*groupWhy, error) {
	first, err := n.reach(c.Context(), c)
	if err != nil {
		return nil, err
	}
	b := n.brokers(c.Context(), first)
	defer b.close()
	if err := first.knows(protocol.KeyDescribeGroupDiary); err != nil {
		return nil, fmt.Errorf("%w only skein keeps a diary of its groups", err)
	}
	request, response := protocol.NewDescribeGroupDiaryRequest(), protocol.NewDescribeGroupDiaryResponse()
	request.GroupID, request.IncludeOffsets = group, offsets
	broker, err := b.askCoordinator(group, request, response, func() (protocol.Code, *string) { return response.ErrorCode, response.ErrorMessage })
	if err != nil {
		return nil, err
	}
	return newGroupWhyDocument(group, broker, response), nil
}
