package controller

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
)

func (c *Controller) isActive(id metadata.NodeID) bool { return c.image.Broker(id).Active() }

// changes collects the records of the partitions for which wanted gives a change, by topic and number. It fills in what
// every change needs; alive is isActive where wanted leaves it out.
func (c *Controller) changes(wanted func(p *metadata.Partition) *change) []metadata.Record {
	return c.changesIn(c.image, wanted)
}

// changesIn is changes, by the configuration that another image has.
func (c *Controller) changesIn(image *metadata.Image, wanted func(p *metadata.Partition) *change) []metadata.Record {
	var records []metadata.Record
	rules := c.rules(image)
	for t := range c.image.Topics() {
		known := false
		var own topicRules
		for p := range t.Partitions() {
			ch := wanted(p)
			if ch == nil {
				continue
			}
			if !known {
				known, own = true, rules.of(t.Name)
			}
			if r := c.completed(ch, t, p, own).record(); r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}

// completed fills in what every change needs.
func (c *Controller) completed(ch *change, t *metadata.Topic, p *metadata.Partition, rules topicRules) *change {
	ch.topic, ch.partition, ch.rules, ch.faults = t.ID, p, rules, &c.config.faults
	if ch.alive == nil {
		ch.alive = c.isActive
	}
	return ch
}

// withoutBroker gives the leaderships of a broker away and takes it out of every ISR. What it has lost, if lost is given,
// it is not eligible for either; a partition that has no other replica stays as it is all the same, for nobody has more.
func (c *Controller) withoutBroker(id metadata.NodeID, lost *loss) []metadata.Record {
	alive := func(r metadata.NodeID) bool { return r != id && c.isActive(r) }
	return c.changes(func(p *metadata.Partition) *change {
		ch := &change{isr: without(p.ISR, id), alive: alive}
		if lost != nil && len(p.Replicas) > 1 {
			ch.lost = lost
		}
		switch {
		case slices.Contains(p.ISR, id) || p.Leader == id:
			return ch
		case ch.lost != nil && (slices.Contains(p.ELR, id) || lost.all && slices.Contains(p.LastKnownELR, id)):
			return ch
		}
		return nil
	})
}

// withBroker lets a broker that came to life lead the partitions that nobody leads and it may.
func (c *Controller) withBroker(id metadata.NodeID) []metadata.Record {
	return c.changes(func(p *metadata.Partition) *change {
		if p.Leader != metadata.NoNode || !slices.Contains(p.Replicas, id) {
			return nil
		}
		return &change{alive: c.aliveWith(id)}
	})
}

// again gives the partitions that a broker leads to it a second time, in a new leader epoch: it has started anew, and
// what it had not made durable is gone, so what it writes now must not be taken for the same.
func (c *Controller) again(id metadata.NodeID) []metadata.Record {
	return c.changes(func(p *metadata.Partition) *change {
		if p.Leader != id && p.Leader != metadata.NoNode || !slices.Contains(p.Replicas, id) {
			return nil
		}
		return &change{alive: c.aliveWith(id), newEpoch: p.Leader == id}
	})
}

func (c *Controller) aliveWith(id metadata.NodeID) func(metadata.NodeID) bool {
	return func(r metadata.NodeID) bool { return r == id || c.isActive(r) }
}

// leaderless elects where nobody leads, or somebody who cannot any more.
func (c *Controller) leaderless() []metadata.Record {
	return c.changes(func(p *metadata.Partition) *change {
		if p.Leader != metadata.NoNode && c.isActive(p.Leader) {
			return nil
		}
		return &change{}
	})
}

// eligible brings the eligible leader replicas to what they are by the configuration of an image.
func (c *Controller) eligible(image *metadata.Image) []metadata.Record {
	return c.changesIn(image, func(p *metadata.Partition) *change {
		if len(p.ELR) == 0 {
			return nil
		}
		return &change{}
	})
}
