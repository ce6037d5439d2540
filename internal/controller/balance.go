package controller

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
)

// Bounds on one look at the balance: so many leaderships go back at once, and the next part follows after the pause.
const (
	balancedAtOnce = 1000
	balancePause   = time.Second
)

func (c *Controller) balanceAt(at time.Time, effects *Effects) {
	c.balancing = true
	effects.Timers = append(effects.Timers, balanceTimer(at))
}

// balance gives leaderships back to the first replicas of their partitions, where a broker lacks more than the allowed
// part of those that it should have.
func (c *Controller) balance(now time.Time, effects *Effects) {
	if !c.leading || !c.balancing {
		return
	}
	lacking := c.lacking()
	left := balancedAtOnce
	records := c.changes(func(p *metadata.Partition) *change {
		first := p.Replicas[0]
		if _, ok := lacking[first]; !ok || left == 0 || p.Leader == first || !slices.Contains(p.ISR, first) || !c.isActive(first) {
			return nil
		}
		left--
		return &change{preferred: true}
	})
	c.proposeAll(records, effects)
	next := c.config.LeaderImbalanceCheck
	if left == 0 {
		next = min(next, balancePause)
	}
	c.balanceAt(now.Add(next), effects)
}

// lacking are the brokers that lead too little of what they are preferred for.
func (c *Controller) lacking() map[metadata.NodeID]struct{} {
	preferred, others := make(map[metadata.NodeID]int), make(map[metadata.NodeID]int)
	for t := range c.image.Topics() {
		for p := range t.Partitions() {
			preferred[p.Replicas[0]]++
			if p.Leader != p.Replicas[0] {
				others[p.Replicas[0]]++
			}
		}
	}
	lacking := make(map[metadata.NodeID]struct{})
	for id, n := range others {
		if 100*n > c.config.LeaderImbalancePercent*preferred[id] {
			lacking[id] = struct{}{}
		}
	}
	return lacking
}
