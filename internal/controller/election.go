package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// uncleanElection is the name of the configuration that lets a replica outside the ISR lead, and lose records by it.
const uncleanElection = "unclean.leader.election.enable"

// election says what a partition shall become. Zero values leave what is.
type election struct {
	partition *metadata.Partition
	topic     protocol.UUID
	isr       []metadata.NodeID            // the new ISR, a part of the old one; nil for the old one
	alive     func(r metadata.NodeID) bool // may lead
	preferred bool                         // the first replica shall lead, if it can
	unclean   bool                         // a replica outside the ISR may lead if none in it can
	newEpoch  bool                         // the leader epoch grows even if the leader stays
}

// record is the change that the election comes to, nil if there is none. The leader is found in assignment order, as
// Kafka's electAnyLeader finds it, so that every controller finds the same. An ISR never becomes empty: its last member
// stays in it, for it alone has every record.
func (e *election) record() *protocol.PartitionChangeRecord {
	isr := e.isr
	if isr == nil {
		isr = e.partition.ISR
	}
	r := protocol.NewPartitionChangeRecord()
	r.TopicID, r.PartitionID = e.topic, e.partition.Index
	leader, clean := e.elect(isr)
	changed := false
	if len(isr) > 0 && !slices.Equal(isr, e.partition.ISR) {
		r.Isr, changed = metadata.Int32s(isr), true
	}
	if leader != e.partition.Leader || e.newEpoch {
		r.Leader, changed = int32(leader), true
	}
	if !clean {
		r.Isr, r.LeaderRecoveryState = []int32{int32(leader)}, 1
	}
	if !changed {
		return nil
	}
	return r
}

// elect finds the leader, NoNode if nobody can lead. It is clean unless the leader comes from outside the ISR.
func (e *election) elect(isr []metadata.NodeID) (leader metadata.NodeID, clean bool) {
	valid := func(r metadata.NodeID) bool { return slices.Contains(isr, r) && e.alive(r) }
	replicas := e.partition.Replicas
	if e.preferred && valid(replicas[0]) {
		return replicas[0], true
	}
	if valid(e.partition.Leader) {
		return e.partition.Leader, true
	}
	if i := slices.IndexFunc(replicas, valid); i >= 0 {
		return replicas[i], true
	}
	if e.unclean {
		if i := slices.IndexFunc(replicas, e.alive); i >= 0 {
			return replicas[i], false
		}
	}
	return metadata.NoNode, true
}

// uncleanAllowed says whether a topic's partitions may be led from outside the ISR: as the topic says, or the broker's
// default, or Kafka's, which is no.
func (c *Controller) uncleanAllowed(topic string) bool {
	for _, r := range []metadata.Resource{
		{Type: metadata.TopicResource, Name: topic},
		{Type: metadata.BrokerResource, Name: c.config.Self.String()},
		metadata.ClusterDefault,
	} {
		if v, ok := c.image.Config(r).Get(uncleanElection); ok {
			return v == "true"
		}
	}
	v, _ := c.config.Rules.Default(metadata.TopicResource, uncleanElection)
	return v == "true"
}

func (c *Controller) isActive(id metadata.NodeID) bool { return c.image.Broker(id).Active() }

// withoutBroker gives the leaderships of a broker away and takes it out of every ISR in which it is not the last.
func (c *Controller) withoutBroker(id metadata.NodeID) []metadata.Record {
	var records []metadata.Record
	for t := range c.image.Topics() {
		for p := range t.Partitions() {
			if !slices.Contains(p.ISR, id) && p.Leader != id {
				continue
			}
			isr := slices.DeleteFunc(slices.Clone(p.ISR), func(r metadata.NodeID) bool { return r == id })
			e := election{
				partition: p, topic: t.ID, isr: isr, unclean: c.uncleanAllowed(t.Name),
				alive: func(r metadata.NodeID) bool { return r != id && c.isActive(r) },
			}
			if r := e.record(); r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}

// withBroker lets a broker that came to life lead the partitions that nobody leads and it may.
func (c *Controller) withBroker(id metadata.NodeID) []metadata.Record {
	return c.elections(func(p *metadata.Partition) bool { return p.Leader == metadata.NoNode }, id, false)
}

// again gives the partitions that a broker leads to it a second time, in a new leader epoch: it has started anew, and
// what it had not made durable is gone, so what it writes now must not be taken for the same.
func (c *Controller) again(id metadata.NodeID) []metadata.Record {
	return c.elections(func(p *metadata.Partition) bool {
		return p.Leader == id || p.Leader == metadata.NoNode
	}, id, true)
}

// elections elects in the partitions of which id is a replica and that which selects, with id counted as alive.
func (c *Controller) elections(which func(*metadata.Partition) bool, id metadata.NodeID, newEpoch bool) []metadata.Record {
	var records []metadata.Record
	for t := range c.image.Topics() {
		for p := range t.Partitions() {
			if !which(p) || !slices.Contains(p.Replicas, id) {
				continue
			}
			e := election{
				partition: p, topic: t.ID, unclean: c.uncleanAllowed(t.Name), newEpoch: newEpoch && p.Leader == id,
				alive: func(r metadata.NodeID) bool { return r == id || c.isActive(r) },
			}
			if r := e.record(); r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}
