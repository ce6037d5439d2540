package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// placement chooses replicas round robin: the leaders of successive partitions are successive live brokers, their
// followers the ones after them at a distance that grows with each time round, so that no two brokers share all they
// lead. Fenced brokers get replicas only when there are too few others, and never lead.
type placement struct {
	live, fenced []metadata.NodeID
	start        int
}

func (c *Controller) placement(start uint32) placement {
	p := placement{}
	for b := range c.image.Brokers() {
		if b.Active() {
			p.live = append(p.live, b.ID)
		} else {
			p.fenced = append(p.fenced, b.ID)
		}
	}
	if len(p.live) > 0 {
		p.start = int(start % uint32(len(p.live)))
	}
	return p
}

// check says whether a replication factor can be had at all.
func (p *placement) check(replicationFactor int) error {
	switch registered := len(p.live) + len(p.fenced); {
	case len(p.live) == 0:
		return protocol.Fail(protocol.InvalidReplicationFactor,
			"unable to replicate the partition %d time(s): all brokers are currently fenced", replicationFactor)
	case replicationFactor > registered:
		return protocol.Fail(protocol.InvalidReplicationFactor,
			"unable to replicate the partition %d time(s): only %d broker(s) are registered", replicationFactor, registered)
	}
	return nil
}

// replicas chooses the replicas of one partition, the leader first. check has passed.
func (p *placement) replicas(partition int, replicationFactor int) []metadata.NodeID {
	n := len(p.live)
	first := (p.start + partition) % n
	chosen := make([]metadata.NodeID, 0, replicationFactor)
	chosen = append(chosen, p.live[first])
	for i := 0; len(chosen) < replicationFactor && i < n-1; i++ {
		distance := 1 + (partition/n+i)%(n-1)
		chosen = append(chosen, p.live[(first+distance)%n])
	}
	for i := 0; len(chosen) < replicationFactor; i++ {
		chosen = append(chosen, p.fenced[(partition+i)%len(p.fenced)])
	}
	return chosen
}

// active returns the replicas that may be in sync: they live and are not shutting down.
func (c *Controller) active(replicas []metadata.NodeID) []metadata.NodeID {
	var isr []metadata.NodeID
	for _, id := range replicas {
		if c.image.Broker(id).Active() {
			isr = append(isr, id)
		}
	}
	return isr
}

// newPartition is the record of a partition that starts its life. At least one replica is active.
func (c *Controller) newPartition(topic protocol.UUID, index int32, replicas []metadata.NodeID) metadata.Record {
	isr := c.active(replicas)
	p := metadata.Partition{Index: index, Leader: isr[0], Replicas: replicas, ISR: isr}
	return p.Record(topic)
}

// checkAssignment says whether a client may place one partition on these brokers. others is how many replicas the
// other partitions have, 0 if that is not known yet.
func (c *Controller) checkAssignment(partition int32, ids []int32, others int) error {
	if len(ids) == 0 {
		return protocol.Fail(protocol.InvalidReplicaAssignment, "the assignment of partition %d has no replicas", partition)
	}
	seen := make(map[int32]struct{}, len(ids))
	active := 0
	for _, id := range ids {
		b := c.image.Broker(metadata.NodeID(id))
		if b == nil {
			return protocol.Fail(protocol.InvalidReplicaAssignment,
				"the assignment of partition %d includes broker %d, but no such broker is registered", partition, id)
		}
		if _, twice := seen[id]; twice {
			return protocol.Fail(protocol.InvalidReplicaAssignment,
				"the assignment of partition %d includes broker %d more than once", partition, id)
		}
		seen[id] = struct{}{}
		if b.Active() {
			active++
		}
	}
	switch {
	case others > 0 && len(ids) != others:
		return protocol.Fail(protocol.InvalidReplicaAssignment,
			"the assignment of partition %d has %d replica(s), but other partitions have %d", partition, len(ids), others)
	case active == 0:
		return protocol.Fail(protocol.InvalidReplicaAssignment,
			"all brokers in the assignment of partition %d are fenced or in controlled shutdown", partition)
	}
	return nil
}

func nodes(ids []int32) []metadata.NodeID {
	out := make([]metadata.NodeID, len(ids))
	for i, id := range ids {
		out[i] = metadata.NodeID(id)
	}
	return out
}
