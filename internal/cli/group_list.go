package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// listedGroup is one group of group list.
type listedGroup struct {
	Group        string `json:"group"`
	State        string `json:"state"`
	ProtocolType string `json:"protocolType"`
	Coordinator  int32  `json:"coordinator"`
}

func newGroupList() *cobra.Command {
	var (
		n      connection
		o      output
		states []string
	)
	c := &cobra.Command{
		Use:   "list",
		Short: "List groups with their state",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			groups := []listedGroup{}
			err := n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				listed, err := admin.ListGroups(ctx, states...)
				for _, g := range listed.Sorted() {
					groups = append(groups, listedGroup{g.Group, g.State, g.ProtocolType, g.Coordinator})
				}
				return err
			})
			if err != nil {
				return err
			}
			return o.print(c, groups, func(p *page) {
				var rows [][]string
				for _, g := range groups {
					rows = append(rows, []string{g.Group, g.State, g.ProtocolType, number(g.Coordinator)})
				}
				p.table([]string{"GROUP", "STATE", "TYPE", "COORDINATOR"}, rows)
			})
		},
	}
	n.flags(c)
	o.flag(c)
	c.Flags().StringSliceVar(&states, "state", nil, "list only groups in `STATE`; may be repeated")
	complete(c, "state", "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead")
	return c
}
