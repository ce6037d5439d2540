package controller

import (
	"cmp"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
)

// raisedAtOnce is how many partitions of the raised topics gain replicas at the same time, so that a broker that joins
// does not fetch all of them at once.
const raisedAtOnce = 5

// raise adds replicas to Kafka's own topics that were created when fewer brokers lived: one reassignment for each
// partition, that only adds. It is called after whatever may have made room for more.
func (c *Controller) raise(effects *Effects) {
	if !c.leading || len(c.config.RaisedTopics) == 0 {
		return
	}
	c.proposeAll(c.raises(func(*metadata.Topic) func(*metadata.Partition) *change { return c.unraised }), effects)
	wanted := int(c.image.InternalReplicationFactor(metadata.InternalTopicSettings{}))
	if wanted < 2 {
		return
	}
	left := raisedAtOnce - c.raising()
	c.proposeAll(c.raises(func(t *metadata.Topic) func(*metadata.Partition) *change {
		spread := c.spreadOf(t)
		return func(p *metadata.Partition) *change {
			if left <= 0 || len(p.Replicas) >= wanted || p.Reassigning() {
				return nil
			}
			added := spread.choose(p.Replicas, wanted-len(p.Replicas))
			if len(added) == 0 {
				return nil
			}
			left--
			return &change{replicas: spread.order(p.Replicas, added), adding: added}
		}
	}), effects)
}

// raises collects the records for the raised topics, each of which has its own idea of a partition's change.
func (c *Controller) raises(of func(*metadata.Topic) func(*metadata.Partition) *change) []metadata.Record {
	var records []metadata.Record
	rules := c.rules(c.image)
	for _, name := range c.config.RaisedTopics {
		t := c.image.Topic(name)
		if t == nil {
			continue
		}
		wanted := of(t)
		for p := range t.Partitions() {
			if ch := wanted(p); ch != nil {
				if r := c.completed(ch, t, p, rules.of(name)).record(); r != nil {
					records = append(records, r)
				}
			}
		}
	}
	return records
}

// unraised gives up replicas that a partition was to gain on brokers that were unregistered meanwhile.
func (c *Controller) unraised(p *metadata.Partition) *change {
	gone := slices.DeleteFunc(slices.Clone(p.Adding), func(r metadata.NodeID) bool {
		return c.image.Broker(r) != nil || slices.Contains(p.ISR, r)
	})
	if len(gone) == 0 || len(p.Removing) > 0 {
		return nil
	}
	return &change{replicas: without(p.Replicas, gone...), adding: without(p.Adding, gone...)}
}

// raising is how many partitions of the raised topics gain replicas now. One that waits for a broker that is gone does
// not count: it must not hold up the others.
func (c *Controller) raising() int {
	n := 0
	for _, name := range c.config.RaisedTopics {
		if t := c.image.Topic(name); t != nil {
			for p := range t.Partitions() {
				if len(p.Adding) > 0 && len(c.active(p.Adding)) == len(p.Adding) {
					n++
				}
			}
		}
	}
	return n
}

// spread is how the replicas of one topic lie on the brokers.
type spread struct {
	brokers   []*metadata.Broker // those that live
	racks     map[metadata.NodeID]string
	replicas  map[metadata.NodeID]int
	preferred map[metadata.NodeID]int
}

func (c *Controller) spreadOf(t *metadata.Topic) *spread {
	s := &spread{
		racks: make(map[metadata.NodeID]string), replicas: make(map[metadata.NodeID]int), preferred: make(map[metadata.NodeID]int),
	}
	for b := range c.image.Brokers() {
		s.racks[b.ID] = rackOf(b)
		if b.Active() {
			s.brokers = append(s.brokers, b)
		}
	}
	for p := range t.Partitions() {
		s.preferred[p.Replicas[0]]++
		for _, r := range p.Replicas {
			s.replicas[r]++
		}
	}
	return s
}

// choose finds n brokers more for a partition, or fewer if there are not so many: of racks that it does not have yet, then
// those with the fewest replicas of the topic.
func (s *spread) choose(replicas []metadata.NodeID, n int) []metadata.NodeID {
	var chosen []metadata.NodeID
	for range n {
		has := append(slices.Clone(replicas), chosen...)
		best := metadata.NoNode
		for _, b := range s.brokers {
			if !slices.Contains(has, b.ID) && (best == metadata.NoNode || s.compare(b.ID, best, has) < 0) {
				best = b.ID
			}
		}
		if best == metadata.NoNode {
			break
		}
		chosen = append(chosen, best)
		s.replicas[best]++
	}
	return chosen
}

func (s *spread) compare(a, b metadata.NodeID, has []metadata.NodeID) int {
	shared := func(id metadata.NodeID) int {
		n := 0
		for _, r := range has {
			if s.racks[r] == s.racks[id] {
				n++
			}
		}
		return n
	}
	return cmp.Or(cmp.Compare(shared(a), shared(b)), cmp.Compare(s.replicas[a], s.replicas[b]), cmp.Compare(a, b))
}

// order puts the replica first that is first in the fewest partitions, so that leaders spread too.
func (s *spread) order(replicas, added []metadata.NodeID) []metadata.NodeID {
	all := append(slices.Clone(replicas), added...)
	s.preferred[all[0]]--
	first := slices.MinFunc(all, func(a, b metadata.NodeID) int { return cmp.Compare(s.preferred[a], s.preferred[b]) })
	s.preferred[first]++
	return append([]metadata.NodeID{first}, without(all, first)...)
}
