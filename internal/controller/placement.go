package controller

import (
	"maps"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// placement chooses replicas round robin, from where Start says: the leaders of successive partitions are successive live
// brokers, their followers the ones after them at a distance that grows with each time round, so that no two brokers
// share all they lead. Where brokers stand in several racks it goes round the racks, and round the brokers of each: see
// striped. Fenced brokers get replicas only when there are too few others, and never lead.
type placement struct {
	live, fenced []metadata.NodeID
	racks        [][]metadata.NodeID // live brokers by rack, racks by name; nil if they stand in one
	start        int
}

func (c *Controller) placement(start uint32) placement {
	p := placement{}
	racks := make(map[string][]metadata.NodeID)
	for b := range c.image.Brokers() {
		if b.Active() {
			p.live = append(p.live, b.ID)
			racks[rackOf(b)] = append(racks[rackOf(b)], b.ID)
		} else {
			p.fenced = append(p.fenced, b.ID)
		}
	}
	if len(racks) > 1 {
		for _, name := range slices.Sorted(maps.Keys(racks)) {
			p.racks = append(p.racks, racks[name])
		}
	}
	if len(p.live) > 0 {
		p.start = int(start % uint32(len(p.live)))
	}
	return p
}

// rackOf is a broker's rack. Those without one stand together in a rack of their own.
func rackOf(b *metadata.Broker) string {
	if b.Rack == nil {
		return ""
	}
	return *b.Rack
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
	chosen := make([]metadata.NodeID, 0, replicationFactor)
	if p.racks != nil {
		chosen = p.striped(chosen, partition, replicationFactor)
	} else {
		chosen = p.round(chosen, partition, replicationFactor)
	}
	for i := 0; len(chosen) < replicationFactor; i++ {
		chosen = append(chosen, p.fenced[(partition+i)%len(p.fenced)])
	}
	return chosen
}

// round takes live brokers of one rack.
func (p *placement) round(chosen []metadata.NodeID, partition int, replicationFactor int) []metadata.NodeID {
	n := len(p.live)
	first := (p.start + partition) % n
	chosen = append(chosen, p.live[first])
	for i := 0; len(chosen) < replicationFactor && i < n-1; i++ {
		distance := 1 + (partition/n+i)%(n-1)
		chosen = append(chosen, p.live[(first+distance)%n])
	}
	return chosen
}

// striped takes live brokers of several racks, as Kafka's striped placement does: the replicas of a partition are in
// different racks as long as there are more, the leaders of successive partitions in successive racks, and in each rack
// they are successive brokers. Racks come before brokers: one that is alone in its rack gets as much as a rack.
func (p *placement) striped(chosen []metadata.NodeID, partition int, replicationFactor int) []metadata.NodeID {
	n := len(p.racks)
	number := p.start + partition
	first, lap := number%n, number/n
	taken := make([]int, n)
	for i := 0; len(chosen) < min(replicationFactor, len(p.live)); i++ {
		at := first
		if i%n > 0 {
			at = (first + 1 + (lap+i%n-1)%(n-1)) % n
		}
		rack := p.racks[at]
		if taken[at] == len(rack) {
			continue
		}
		// Followers go round at another pace than leaders, so that those of one leader are not always the same.
		from := lap
		if i > 0 {
			from += lap/len(rack) + i
		}
		chosen = append(chosen, p.next(rack, from, chosen))
		taken[at]++
	}
	return chosen
}

// next is the broker of a rack at or after a place that is not chosen yet; one is left.
func (p *placement) next(rack []metadata.NodeID, from int, chosen []metadata.NodeID) metadata.NodeID {
	for i := 0; ; i++ {
		if id := rack[(from+i)%len(rack)]; !slices.Contains(chosen, id) {
			return id
		}
	}
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

// checkAssignment says whether a client may place one new partition on these brokers. others is how many replicas the
// other partitions have, 0 if that is not known yet.
func (c *Controller) checkAssignment(partition int32, ids []int32, others int) error {
	active, err := c.checkReplicas(partition, ids)
	switch {
	case err != nil:
		return err
	case others > 0 && len(ids) != others:
		return protocol.Fail(protocol.InvalidReplicaAssignment,
			"the assignment of partition %d has %d replica(s), but other partitions have %d", partition, len(ids), others)
	case active == 0:
		return protocol.Fail(protocol.InvalidReplicaAssignment,
			"all brokers in the assignment of partition %d are fenced or in controlled shutdown", partition)
	}
	return nil
}

// checkReplicas says whether a partition can be on these brokers, and how many of them live.
func (c *Controller) checkReplicas(partition int32, ids []int32) (active int, err error) {
	if len(ids) == 0 {
		return 0, protocol.Fail(protocol.InvalidReplicaAssignment, "the assignment of partition %d has no replicas", partition)
	}
	seen := make(map[int32]struct{}, len(ids))
	for _, id := range ids {
		b := c.image.Broker(metadata.NodeID(id))
		if b == nil {
			return 0, protocol.Fail(protocol.InvalidReplicaAssignment,
				"the assignment of partition %d includes broker %d, but no such broker is registered", partition, id)
		}
		if _, twice := seen[id]; twice {
			return 0, protocol.Fail(protocol.InvalidReplicaAssignment,
				"the assignment of partition %d includes broker %d more than once", partition, id)
		}
		seen[id] = struct{}{}
		if b.Active() {
			active++
		}
	}
	return active, nil
}

func nodes(ids []int32) []metadata.NodeID {
	out := make([]metadata.NodeID, len(ids))
	for i, id := range ids {
		out[i] = metadata.NodeID(id)
	}
	return out
}
