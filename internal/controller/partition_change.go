package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// change says what one partition shall become. Zero values leave what is.
type change struct {
	topic     protocol.UUID
	partition *metadata.Partition // as it is
	rules     topicRules
	alive     func(metadata.NodeID) bool // may lead

	isr                        []metadata.NodeID // the new ISR, empty for nobody; nil for the old one
	replicas, adding, removing []metadata.NodeID // the new assignment; replicas are nil for the old one
	recovered                  bool              // the leader has made good an unclean election
	uncleanly                  bool              // replicas outside the ISR were put into it: see reassignment
	lost                       *loss
	preferred                  bool // the first replica shall lead, if it can
	newEpoch                   bool // the leader epoch grows even if the leader stays

	faults *faults
}

// loss is a broker that has come back without records that it had acknowledged.
type loss struct {
	broker metadata.NodeID
	all    bool // nothing is left: its log directory is another one
}

// record is what the change comes to, nil if that is nothing: a reassignment that is done ends, the replicas that left
// the ISR are kept as eligible where too few remain, and a leader is elected.
//
// Without eligible leader replicas an ISR never becomes empty: its last member stays in it, for it alone has every
// record.
func (c *change) record() *protocol.PartitionChangeRecord {
	after := *c.partition
	if c.isr != nil {
		after.ISR = c.isr
	}
	if c.replicas != nil {
		after.Replicas, after.Adding, after.Removing = c.replicas, c.adding, c.removing
	}
	switch {
	case c.recovered:
		after.Recovering = false
	case c.uncleanly:
		after.Recovering = true
	}
	c.complete(&after)
	c.keepEligible(&after)
	c.elect(&after)
	c.keepLastKnown(&after)
	return c.difference(&after)
}

// complete ends a reassignment when everybody who shall remain is in sync.
func (c *change) complete(after *metadata.Partition) {
	if !after.Reassigning() {
		return
	}
	replicas, isr := without(after.Replicas, after.Removing...), without(after.ISR, after.Removing...)
	done := len(replicas) > 0 && len(isr) > 0 && containsAll(isr, replicas)
	if c.faults.completesEarly {
		done = len(replicas) > 0 && len(isr) > 0
	}
	if done {
		after.Replicas, after.ISR, after.Adding, after.Removing = replicas, isr, nil, nil
	}
}

// keepEligible finds the eligible leader replicas (KIP-966). While the ISR is under min.insync.replicas nothing is
// committed, so whoever was in it until then has all that is committed.
func (c *change) keepEligible(after *metadata.Partition) {
	before, former := c.partition, after.ELR
	after.ELR = nil
	if !c.rules.elr || c.uncleanly || c.enough(after) {
		return
	}
	for _, r := range after.Replicas {
		switch {
		case slices.Contains(after.ISR, r), !slices.Contains(before.ISR, r) && !slices.Contains(former, r):
		case c.lost != nil && c.lost.broker == r && !c.faults.trustsNewDirectory:
		case c.faults.losesELR && slices.Contains(before.ISR, r) && !c.alive(r):
		default:
			after.ELR = append(after.ELR, r)
		}
	}
}

// enough says whether the ISR is large enough for records to be committed: min.insync.replicas, or all replicas where there
// are fewer. Those that a reassignment adds do not count, lest a partition stands still until they have caught up.
func (c *change) enough(p *metadata.Partition) bool {
	return len(p.ISR) >= min(c.rules.minISR, len(original(p)))
}

// elect finds the leader and what its election does to the ISR.
func (c *change) elect(after *metadata.Partition) {
	leader, clean := c.leader(after)
	after.Leader = leader
	switch {
	case !clean:
		after.ISR, after.ELR, after.Recovering = []metadata.NodeID{leader}, nil, true
	case leader != metadata.NoNode && len(after.ISR) == 0: // an eligible replica
		after.ISR, after.ELR = []metadata.NodeID{leader}, without(after.ELR, leader)
		if c.enough(after) {
			after.ELR = nil
		}
	case len(after.ISR) == 0 && !c.rules.elr:
		after.ISR = c.partition.ISR
	}
}

// leader finds who leads, NoNode if nobody can: the present leader if it can go on, else the first in assignment order of
// the ISR, as Kafka's electAnyLeader finds it, so that the order of the ISR does not matter; of the eligible replicas if
// the ISR is empty; then the last known leader; then, where that is allowed, any. The last two may lack records that were
// acknowledged: they are not clean.
func (c *change) leader(after *metadata.Partition) (leader metadata.NodeID, clean bool) {
	valid := func(r metadata.NodeID) bool {
		eligible := slices.Contains(after.ISR, r) || len(after.ISR) == 0 && slices.Contains(after.ELR, r)
		return (eligible || c.faults.electsOutsideISR) && c.alive(r)
	}
	replicas := after.Replicas
	switch i := slices.IndexFunc(replicas, valid); {
	case c.preferred && valid(replicas[0]):
		return replicas[0], true
	case after.Leader != metadata.NoNode && valid(after.Leader):
		return after.Leader, true
	case i >= 0:
		return replicas[i], true
	}
	if r, ok := c.lastKnown(after); ok {
		return r, false
	}
	if !c.rules.unclean {
		return metadata.NoNode, true
	}
	// A replica that a reassignment adds may have nothing yet: it comes after the others.
	former := without(replicas, after.Adding...)
	for _, some := range [][]metadata.NodeID{former, replicas} {
		if i := slices.IndexFunc(some, c.alive); i >= 0 {
			return some[i], false
		}
	}
	return metadata.NoNode, true
}

// lastKnown is the last leader, where nobody is left who has all that is committed and it can lead again.
func (c *change) lastKnown(after *metadata.Partition) (metadata.NodeID, bool) {
	if !c.rules.elr || len(after.ISR) > 0 || len(after.ELR) > 0 || len(after.LastKnownELR) != 1 {
		return metadata.NoNode, false
	}
	r := after.LastKnownELR[0]
	return r, slices.Contains(after.Replicas, r) && c.alive(r) && !c.wiped(r)
}

func (c *change) wiped(r metadata.NodeID) bool {
	return c.lost != nil && c.lost.all && c.lost.broker == r
}

// keepLastKnown remembers the leader of a partition whose ISR becomes empty, until there is another.
func (c *change) keepLastKnown(after *metadata.Partition) {
	switch before := c.partition; {
	case !c.rules.elr || after.Leader != metadata.NoNode:
		after.LastKnownELR = nil
	case len(after.ISR) == 0 && before.Leader != metadata.NoNode:
		after.LastKnownELR = []metadata.NodeID{before.Leader}
	}
	if c.lost != nil && c.lost.all {
		after.LastKnownELR = without(after.LastKnownELR, c.lost.broker)
	}
}

// difference is the record that makes after of what is. The leader epoch grows with the leader, and when a replica is
// removed, which may still think that it follows.
func (c *change) difference(after *metadata.Partition) *protocol.PartitionChangeRecord {
	before := c.partition
	r := protocol.NewPartitionChangeRecord()
	r.TopicID, r.PartitionID = c.topic, before.Index
	changed := false
	for _, f := range []struct {
		field         *[]int32
		before, after []metadata.NodeID
	}{
		{&r.Isr, before.ISR, after.ISR},
		{&r.Replicas, before.Replicas, after.Replicas},
		{&r.AddingReplicas, before.Adding, after.Adding},
		{&r.RemovingReplicas, before.Removing, after.Removing},
		{&r.EligibleLeaderReplicas, before.ELR, after.ELR},
		{&r.LastKnownElr, before.LastKnownELR, after.LastKnownELR},
	} {
		if !slices.Equal(f.before, f.after) {
			*f.field, changed = append([]int32{}, metadata.Int32s(f.after)...), true
		}
	}
	if r.Replicas != nil && len(before.Directories) > 0 {
		r.Directories = []protocol.UUID{} // in the order of the replicas that were
	}
	if after.Leader != before.Leader || c.newEpoch || !containsAll(after.Replicas, before.Replicas) {
		r.Leader, changed = int32(after.Leader), true
	}
	if after.Recovering != before.Recovering {
		r.LeaderRecoveryState, changed = 0, true
		if after.Recovering {
			r.LeaderRecoveryState = 1
		}
	}
	if !changed {
		return nil
	}
	return r
}

// without is nodes but for some, in their order; never nil.
func without(nodes []metadata.NodeID, some ...metadata.NodeID) []metadata.NodeID {
	kept := make([]metadata.NodeID, 0, len(nodes))
	for _, n := range nodes {
		if !slices.Contains(some, n) {
			kept = append(kept, n)
		}
	}
	return kept
}

func containsAll(nodes, some []metadata.NodeID) bool {
	for _, n := range some {
		if !slices.Contains(nodes, n) {
			return false
		}
	}
	return true
}
