package cli

import (
	"time"

	"github.com/spf13/cobra"
)

func newGroupLag() *cobra.Command {
	var (
		n connection
		o output
	)
	c := &cobra.Command{
		Use:   "lag GROUP...",
		Short: "Show exactly how far groups are behind, in records and in time",
		Long: "Show how far groups are behind. The coordinator reads the commits, and after that the leaders read where their logs end, so lag is\n" +
			"never negative.\n\n" +
			"LAG is what is left to read: from the committed offset to the high watermark. BEHIND is how long the first record of that has been\n" +
			"waiting: now less its timestamp. Records that were deleted before the group read them are not in LAG; they are told as a problem.\n\n" +
			"Apache Kafka has no such request. It is asked with OffsetFetch and then ListOffsets, which is not one snapshot, and BEHIND is not known.",
		Example: "  skein group lag billing\n  skein group lag billing -o json",
		Args:    atLeastOne("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			lags, err := n.lags(c, args, true)
			if err != nil {
				return err
			}
			return o.print(c, lags, func(p *page) {
				for i := range lags {
					if i > 0 {
						p.line("")
					}
					lags[i].print(p)
				}
			})
		},
		ValidArgsFunction: n.groupNames(0),
	}
	n.flags(c)
	o.flag(c)
	return c
}

func (g *groupLag) print(p *page) {
	behind := ""
	if g.LagMs != nil {
		behind = ", " + span(time.Duration(*g.LagMs)*time.Millisecond) + " behind"
	}
	p.line("group %s: %s, lag %s%s", printable(g.Group), g.State, g.lagText(), behind)
	if !g.Exact {
		p.line("this is not one snapshot: the broker has no DescribeGroupLag, so it was asked for the commits and then for the ends")
	}
	var rows [][]string
	for i := range g.Partitions {
		l := &g.Partitions[i]
		member := ""
		if l.MemberID != nil {
			member = *l.MemberID
		}
		behind := ""
		if l.LagMs != nil {
			behind = span(time.Duration(*l.LagMs) * time.Millisecond)
		}
		rows = append(rows, []string{l.Topic, number(l.Partition), maybe(l.Committed), maybe(l.LogStart), maybe(l.HighWatermark), maybe(l.LogEnd),
			maybe(l.Lag), behind, member, l.Problem})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]string{"TOPIC", "PARTITION", "COMMITTED", "START", "HIGH WATERMARK", "END", "LAG", "BEHIND", "MEMBER", "PROBLEM"}, rows)
	}
}

// lagText is the sum, and of how many partitions it says nothing.
func (g *groupLag) lagText() string {
	unknown := 0
	for i := range g.Partitions {
		if g.Partitions[i].Lag == nil {
			unknown++
		}
	}
	switch {
	case unknown == 0:
		return number(g.Lag)
	case unknown == len(g.Partitions):
		return "unknown"
	}
	return number(g.Lag) + ", and unknown in " + plural(unknown, "partition")
}
