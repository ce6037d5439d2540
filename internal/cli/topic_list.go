package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/protocol"
)

// listedTopic is one topic of topic list.
type listedTopic struct {
	Name              string `json:"name"`
	ID                string `json:"id"`
	Partitions        int    `json:"partitions"`
	ReplicationFactor int    `json:"replicationFactor"`
	Internal          bool   `json:"internal"`
}

func newTopicList() *cobra.Command {
	var (
		n   connection
		o   output
		all bool
	)
	c := &cobra.Command{
		Use:   "list",
		Short: "List topics",
		Args:  exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			topics := []listedTopic{}
			err := n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				details, err := admin.ListTopicsWithInternal(ctx)
				for _, t := range details.Sorted() {
					if all || !t.IsInternal {
						topics = append(topics, listedTopic{t.Topic, protocol.UUID(t.ID).String(), len(t.Partitions), t.Partitions.NumReplicas(), t.IsInternal})
					}
				}
				return err
			})
			if err != nil {
				return err
			}
			return o.print(c, topics, func(p *page) {
				var rows [][]string
				for _, t := range topics {
					rows = append(rows, []string{t.Name, number(t.Partitions), number(t.ReplicationFactor), t.ID})
				}
				p.table([]string{"TOPIC", "PARTITIONS", "REPLICAS", "ID"}, rows)
			})
		},
	}
	n.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&all, "all", false, "list internal topics too")
	return c
}
