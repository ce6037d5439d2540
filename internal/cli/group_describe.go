package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	Lag          int64             `json:"lag"` // the sum of those that are known
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
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Committed *int64  `json:"committedOffset"`
	LogStart  *int64  `json:"logStartOffset"`
	LogEnd    *int64  `json:"logEndOffset"`
	Lag       *int64  `json:"lag"`
	Metadata  string  `json:"metadata"`
	MemberID  *string `json:"memberId"`
	Problem   string  `json:"problem,omitempty"`
}

func newGroupDescribe() *cobra.Command {
	var (
		n connection
		o output
	)
	c := &cobra.Command{
		Use:   "describe GROUP...",
		Short: "Show state, members, committed offsets and lag of groups",
		Args:  atLeastOne("GROUP"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			groups := []describedGroup{}
			err := n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
				if _, err := findGroups(ctx, admin, args...); err != nil {
					return err
				}
				lags, err := admin.Lag(ctx, args...)
				if err != nil {
					return err
				}
				for _, name := range args {
					g, err := describeGroup(name, lags)
					if err != nil {
						return err
					}
					groups = append(groups, g)
				}
				return nil
			})
			if err != nil {
				return err
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

func describeGroup(name string, lags kadm.DescribedGroupLags) (describedGroup, error) {
	found, ok := lags[name]
	if !ok {
		return describedGroup{}, fmt.Errorf("group %s was left out of the coordinator's answer", name)
	}
	if err := found.Error(); err != nil {
		return describedGroup{}, answered("group "+name, err, "")
	}
	g := describedGroup{Group: name, State: found.State, ProtocolType: found.ProtocolType, Protocol: found.Protocol,
		Coordinator: describedBroker{found.Coordinator.NodeID, found.Coordinator.Host, found.Coordinator.Port},
		Members:     []describedMember{}, Offsets: []describedOffset{}}
	for i := range found.Members {
		g.Members = append(g.Members, describeMember(&found.Members[i]))
	}
	for _, topic := range sortedKeys(found.Lag) {
		for _, partition := range sortedKeys(found.Lag[topic]) {
			l := found.Lag[topic][partition]
			o := describeOffset(&l)
			if o.Lag != nil {
				g.Lag += *o.Lag
			}
			g.Offsets = append(g.Offsets, o)
		}
	}
	return g, nil
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

func describeOffset(l *kadm.GroupMemberLag) describedOffset {
	o := describedOffset{Topic: l.Topic, Partition: l.Partition, Metadata: l.Commit.Metadata}
	if l.Member != nil {
		o.MemberID = &l.Member.MemberID
	}
	if l.Commit.At >= 0 {
		o.Committed = &l.Commit.At
	}
	if l.Start.Err == nil {
		o.LogStart = &l.Start.Offset
	}
	if l.End.Err == nil {
		o.LogEnd = &l.End.Offset
	}
	switch {
	case l.Err != nil:
		o.Problem = l.Err.Error()
	case o.Committed == nil || o.LogEnd == nil:
	case o.LogStart != nil && *o.Committed < *o.LogStart:
		o.Problem = "the committed offset is not in the log any more"
		fallthrough
	default:
		lag := max(0, *o.LogEnd-*o.Committed)
		o.Lag = &lag
		if *o.Committed > *o.LogEnd {
			o.Problem = "the committed offset is beyond the end of the log"
		}
	}
	return o
}

func (g *describedGroup) print(p *page) {
	p.line("group %s: %s, %s, lag %s", printable(g.Group), g.State, plural(len(g.Members), "member"), g.lagText())
	p.line("coordinator %d (%s:%d), protocol %s/%s", g.Coordinator.ID, g.Coordinator.Host, g.Coordinator.Port, orDash(printable(g.ProtocolType)), orDash(printable(g.Protocol)))
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
		rows = append(rows, []string{o.Topic, number(o.Partition), maybe(o.Committed), maybe(o.LogEnd), maybe(o.Lag), client, o.Problem})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]string{"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "CLIENT", "PROBLEM"}, rows)
	}
}

// lagText is the sum, and of how many partitions it says nothing.
func (g *describedGroup) lagText() string {
	unknown := 0
	for _, o := range g.Offsets {
		if o.Lag == nil {
			unknown++
		}
	}
	switch {
	case unknown == 0:
		return number(g.Lag)
	case unknown == len(g.Offsets):
		return "unknown: nothing is committed"
	}
	return fmt.Sprintf("%d, and unknown in %s where nothing is committed", g.Lag, plural(unknown, "partition"))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
