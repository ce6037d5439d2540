package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// describedGroup is one group of group describe.
type describedGroup struct {
	Group        string            `json:"group"`
	State        string            `json:"state"`
	ProtocolType string            `json:"protocolType"`
	Protocol     string            `json:"protocol"` // the assignor
	Coordinator  describedBroker   `json:"coordinator"`
	Members      []describedMember `json:"members"`
	Offsets      []describedOffset `json:"offsets"`
	Lag          int64             `json:"lag"`  // the sum of those that are known
	Slow         *slowMembers      `json:"slow"` // null where the broker keeps no diary of its groups

	lagText string
}

type describedBroker struct {
	ID   int32  `json:"id"`
	Host string `json:"host"`
	Port int32  `json:"port"`
}

type describedMember struct {
	MemberID   string              `json:"memberId"`
	InstanceID *string             `json:"instanceId"`
	ClientID   string              `json:"clientId"`
	Host       string              `json:"host"`
	Subscribed []string            `json:"subscribed"`
	Assigned   []assignedPartition `json:"assigned"`
}

type assignedPartition struct {
	Topic      string  `json:"topic"`
	Partitions []int32 `json:"partitions"`
}

// describedOffset is one partition of a group. What is not known is null.
type describedOffset struct {
	partitionLag
	// Expires is when the offset is removed if the group stays as it is and commits nothing, or that it never is.
	Expires string `json:"expires"`
}

func newGroupDescribe() *cobra.Command {
	var (
		n connection
		o output
	)
	c := &cobra.Command{
		Use:   "describe GROUP...",
		Short: "Show state, members and who of them is slow, committed offsets, their lag and when they expire",
		Args:  atLeastOne("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			var found kadm.DescribedGroups
			err := n.admin(c, func(ctx context.Context, admin *kadm.Client) (err error) {
				found, err = findGroups(ctx, admin, args...)
				return err
			})
			if err != nil {
				return err
			}
			lags, err := n.lags(c, args, false)
			if err != nil {
				return err
			}
			groups := []describedGroup{}
			for i := range lags {
				g := describeGroup(found[lags[i].Group], &lags[i])
				if lags[i].Exact { // a broker of skein
					if g.Slow, err = askSlow(c, &n, g.Group); err != nil {
						return err
					}
				}
				groups = append(groups, g)
			}
			return o.print(c, groups, func(p *page) {
				for i := range groups {
					if i > 0 {
						p.line("")
					}
					groups[i].print(p)
				}
			})
		},
		ValidArgsFunction: n.groupNames(0),
	}
	n.flags(c)
	o.flag(c)
	return c
}

func describeGroup(found kadm.DescribedGroup, lag *groupLag) describedGroup {
	g := describedGroup{Group: found.Group, State: found.State, ProtocolType: found.ProtocolType, Protocol: found.Protocol,
		Coordinator: describedBroker{found.Coordinator.NodeID, found.Coordinator.Host, found.Coordinator.Port},
		Members:     []describedMember{}, Offsets: []describedOffset{}, Lag: lag.Lag, lagText: lag.lagText()}
	for i := range found.Members {
		g.Members = append(g.Members, describeMember(&found.Members[i]))
	}
	for _, p := range lag.Partitions {
		g.Offsets = append(g.Offsets, describedOffset{p, p.expires(lag)})
	}
	return g
}

// expires says when a committed offset is removed.
func (p *partitionLag) expires(g *groupLag) string {
	switch {
	case p.Committed == nil:
		return ""
	case !g.Exact:
		return "unknown"
	case p.ExpiresAt != nil:
		return p.ExpiresAt.Format(time.RFC3339)
	case g.State == "Empty":
		return "never"
	}
	return "never while the group is active"
}

func describeMember(m *kadm.DescribedGroupMember) describedMember {
	d := describedMember{MemberID: m.MemberID, InstanceID: m.InstanceID, ClientID: m.ClientID, Host: strings.TrimPrefix(m.ClientHost, "/"),
		Subscribed: []string{}, Assigned: []assignedPartition{}}
	if joined, ok := m.Join.AsConsumer(); ok {
		d.Subscribed = append(d.Subscribed, joined.Topics...)
	}
	if assigned, ok := m.Assigned.AsConsumer(); ok {
		for _, t := range assigned.Topics {
			partitions := append([]int32{}, t.Partitions...)
			slices.Sort(partitions)
			d.Assigned = append(d.Assigned, assignedPartition{t.Topic, partitions})
		}
	}
	slices.SortFunc(d.Assigned, func(a, b assignedPartition) int { return strings.Compare(a.Topic, b.Topic) })
	return d
}

func (g *describedGroup) print(p *page) {
	p.line("group %s: %s, %s, lag %s", printable(g.Group), g.State, plural(len(g.Members), "member"), g.lagText)
	p.line("coordinator %d (%s:%d), protocol %s/%s", g.Coordinator.ID, g.Coordinator.Host, g.Coordinator.Port, orDash(printable(g.ProtocolType)), orDash(printable(g.Protocol)))
	if g.Slow != nil {
		g.Slow.print(p)
	}
	var rows [][]string
	clients := map[string]string{}
	for _, m := range g.Members {
		clients[m.MemberID] = m.ClientID
		var assigned []string
		for _, a := range m.Assigned {
			assigned = append(assigned, a.Topic+":"+numbers(a.Partitions))
		}
		instance := ""
		if m.InstanceID != nil {
			instance = *m.InstanceID
		}
		rows = append(rows, []string{m.ClientID, m.Host, instance, strings.Join(assigned, " "), m.MemberID})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]string{"CLIENT", "HOST", "INSTANCE", "ASSIGNED", "MEMBER"}, rows)
	}
	rows = nil
	for _, o := range g.Offsets {
		client := ""
		if o.MemberID != nil {
			client = clients[*o.MemberID]
		}
		rows = append(rows, []string{o.Topic, number(o.Partition), maybe(o.Committed), maybe(o.HighWatermark), maybe(o.Lag), o.Expires, client, o.Problem})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]string{"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "EXPIRES", "CLIENT", "PROBLEM"}, rows)
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
