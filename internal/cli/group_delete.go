package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newGroupDelete() *cobra.Command {
	var n connection
	c := &cobra.Command{
		Use:   "delete GROUP...",
		Short: "Delete groups without members, with their committed offsets",
		Args:  atLeastOne("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			return n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				responses, err := admin.DeleteGroups(ctx, args...)
				if err != nil {
					return err
				}
				var failed []error
				for _, name := range args {
					r, ok := responses[name]
					switch {
					case !ok:
						failed = append(failed, fmt.Errorf("group %s was left out of the coordinator's answer", name))
						continue
					case r.Err != nil:
						failed = append(failed, answered("group "+name, r.Err, ""))
						continue
					}
					if _, err := fmt.Fprintf(c.OutOrStdout(), "group %s deleted\n", name); err != nil {
						return err
					}
				}
				return errors.Join(failed...)
			})
		},
		ValidArgsFunction: n.groupNames(0),
	}
	n.flags(c)
	return c
}
