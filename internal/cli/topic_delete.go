package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newTopicDelete() *cobra.Command {
	var n connection
	c := &cobra.Command{
		Use:   "delete NAME...",
		Short: "Delete topics with all their records",
		Args:  atLeastOne("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				responses, err := admin.DeleteTopics(ctx, args...)
				if err != nil {
					return err
				}
				var failed []error
				for _, name := range args {
					r, err := responses.On(name, nil)
					if err == nil {
						err = r.Err
					}
					if err != nil {
						failed = append(failed, answered("topic "+name, err, r.ErrMessage))
						continue
					}
					if _, err := fmt.Fprintf(c.OutOrStdout(), "topic %s deleted\n", name); err != nil {
						return err
					}
				}
				return errors.Join(failed...)
			})
		},
		ValidArgsFunction: n.topicNames(0),
	}
	n.flags(c)
	return c
}
