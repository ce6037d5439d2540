package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (d *describedCluster) print(p *page) {
	s := &d.Summary
	p.line("cluster %s at %s: %s", printable(d.ClusterID), d.At.Format(time.RFC3339), d.Summary.nodes())
	if d.Controller.ID == nil {
		p.line("no controller: %s", printable(d.Controller.Problem))
		p.line("most of the voters have to run and reach each other; what follows is what the node that answered knew last")
	} else {
		p.line("controller %d, epoch %d", *d.Controller.ID, *d.Controller.Epoch)
	}
	p.line("%s, %s: %s", plural(s.Topics, "topic"), plural(s.Partitions, "partition"), s.partitions())
	p.line("")
	d.printNodes(p)
	if len(d.Quorum) > 0 {
		p.line("")
		d.printQuorum(p)
	}
	if len(d.Partitions) > 0 {
		p.line("")
		d.printPartitions(p)
		d.printHelp(p)
	}
	if d.replicas && len(d.Partitions) > 0 {
		p.line("")
		d.printReplicas(p)
	}
}

func (s *clusterSummary) nodes() string {
	text := plural(s.Nodes, "node")
	if s.NodesUnfenced == s.Nodes {
		text += ", unfenced"
	} else {
		text += fmt.Sprintf(", %d unfenced", s.NodesUnfenced)
	}
	if s.NodesSilent > 0 {
		text += fmt.Sprintf(", %d without an answer", s.NodesSilent)
	}
	return text
}

func (s *clusterSummary) partitions() string {
	if s.UnderReplicated == 0 {
		return "all in sync"
	}
	var parts []string
	for _, one := range []struct {
		count int
		what  string
	}{{s.Offline, "offline"}, {s.UnderMinISR, "under min.insync.replicas"}, {s.UnderReplicated, "under-replicated in all"}} {
		if one.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.count, one.what))
		}
	}
	return strings.Join(parts, ", ")
}

func (d *describedCluster) printNodes(p *page) {
	var rows [][]string
	for i := range d.Nodes {
		n := &d.Nodes[i]
		rack := ""
		if n.Rack != nil {
			rack = *n.Rack
		}
		rows = append(rows, []string{number(n.ID), n.Address, rack, n.State, clock(n.Since, d.At), maybe(n.Epoch)})
	}
	p.table([]string{"NODE", "ADDRESS", "RACK", "STATE", "SINCE", "BROKER EPOCH"}, rows)
	for i := range d.Nodes {
		if n := &d.Nodes[i]; n.Problem != "" {
			leads := ""
			if led := d.led(n.ID); led > 0 {
				leads = "; as far as the others know it leads " + plural(led, "partition")
			}
			p.line("node %d does not answer: %s%s", n.ID, printable(n.Problem), leads)
		}
	}
}

// led is how many partitions a node leads.
func (d *describedCluster) led(node int32) (count int) {
	for i := range d.Partitions {
		if leader := d.Partitions[i].Leader; leader != nil && *leader == node {
			count++
		}
	}
	return count
}

func (d *describedCluster) printQuorum(p *page) {
	var rows [][]string
	for i := range d.Quorum {
		m := &d.Quorum[i]
		heard := ""
		if m.SilentMs != nil {
			heard = elapsed(*m.SilentMs) + " ago"
		}
		if m.Role == "leader" {
			heard = ""
		}
		rows = append(rows, []string{number(m.ID), m.Role, maybe(m.LogEnd), maybe(m.Lag), heard})
	}
	p.table([]string{"QUORUM", "ROLE", "LOG END", "LAG", "HEARD"}, rows)
}

func (d *describedCluster) printPartitions(p *page) {
	var rows [][]string
	for i := range d.Partitions {
		c := &d.Partitions[i]
		leader, least := "none", ""
		if c.Leader != nil {
			leader = number(*c.Leader)
		}
		if c.MinISR != nil {
			least = number(*c.MinISR)
		}
		rows = append(rows, []string{c.Health.String(), c.Topic, number(c.Partition), leader, number(c.LeaderEpoch), numbers(c.Replicas), numbers(c.ISR), least,
			numbers(c.ELR), numbers(c.LastKnownELR)})
	}
	p.table([]string{"HEALTH", "TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "MIN ISR", "ELR", "LAST KNOWN ELR"}, rows)
}

// printHelp says which nodes have to come back for the partitions that nobody leads.
func (d *describedCluster) printHelp(p *page) {
	waits := map[string]int{}
	for i := range d.Partitions {
		if c := &d.Partitions[i]; c.Health == partitionOffline {
			waits[d.help(c)]++
		}
	}
	for _, text := range sortedKeys(waits) {
		p.line("%s offline: %s", plural(waits[text], "partition"), text)
	}
}

// help says what an offline partition waits for.
func (d *describedCluster) help(c *clusterPartition) string {
	able := slices.Concat(c.ISR, c.ELR)
	slices.Sort(able)
	able = slices.Compact(able)
	switch {
	case len(able) > 0:
		return "start " + d.named(able) + ": it has everything that was acknowledged"
	case len(c.LastKnownELR) > 0:
		return "no replica is known to have everything; start " + d.named(c.LastKnownELR) + ", which had it last"
	}
	return "no replica is known to have everything; start " + d.named(c.Replicas) +
		"; an unclean election (kafka-leader-election.sh --election-type unclean) makes one of them leader and loses what it does not have"
}

// named lists nodes with what they are.
func (d *describedCluster) named(ids []int32) string {
	var texts []string
	for _, id := range ids {
		text := "node " + number(id)
		at := slices.IndexFunc(d.Nodes, func(n clusterNode) bool { return n.ID == id })
		switch {
		case at < 0:
			text += " (not registered)"
		case d.Nodes[at].State != "unfenced":
			text += " (" + d.Nodes[at].State + since(d.Nodes[at].Since, d.At) + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " or ")
}

func (d *describedCluster) printReplicas(p *page) {
	var rows [][]string
	for i := range d.Partitions {
		c := &d.Partitions[i]
		for j := range c.Details {
			r := &c.Details[j]
			role := ""
			switch {
			case c.Leader == nil:
			case *c.Leader == r.Node:
				role = "leader"
			default:
				role = "follower"
			}
			rows = append(rows, []string{c.Topic, number(c.Partition), number(r.Node), role, maybe(r.LogEnd), maybe(r.DurableEnd), maybe(r.HighWatermark), r.Why})
		}
	}
	p.table([]string{"TOPIC", "PARTITION", "REPLICA", "ROLE", "LOG END", "DURABLE END", "HIGH WATERMARK", "ISR"}, rows)
}
