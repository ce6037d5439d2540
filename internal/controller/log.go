package controller

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// lead starts from the committed image. A cluster without any feature is new: its first entry sets them.
func (c *Controller) lead(now time.Time, e *Lead, effects *Effects) {
	if c.leading || e.Epoch < c.epoch {
		panic(fmt.Sprintf("controller: lead in epoch %d while leading=%t in epoch %d", e.Epoch, c.leading, c.epoch))
	}
	c.leading, c.epoch, c.image, c.offset = true, e.Epoch, e.Image, e.Image.Offset
	for b := range c.image.Brokers() {
		c.registrations[b.ID] = registered{0, e.Image.Offset}
		if b.ID != c.config.Self && !b.Fenced {
			c.touch(now, b.ID, effects)
		}
	}
	if len(c.config.Features) == 0 || hasFeatures(c.image) {
		return
	}
	var records []metadata.Record
	for _, f := range c.config.Features {
		records = append(records, &protocol.FeatureLevelRecord{Name: f.Name, FeatureLevel: f.Max})
	}
	c.propose(records, effects)
}

func hasFeatures(image *metadata.Image) bool {
	for range image.Features() {
		return true
	}
	return false
}

// resign answers everything that waits and forgets what was proposed.
func (c *Controller) resign(e *Resign, effects *Effects) {
	if !c.leading {
		return
	}
	reason := e.Reason
	if reason == nil {
		reason = protocol.Fail(protocol.NotController, "node %d is no longer the controller", c.config.Self)
	}
	for _, p := range c.pending {
		for _, r := range p.replies {
			effects.fail(r.Token, reason)
		}
	}
	for _, id := range sortedNodes(c.sessions) {
		effects.Timers = append(effects.Timers, Timer{Broker: id})
	}
	clear(c.sessions)
	clear(c.registrations)
	c.leading, c.image, c.pending, c.waiting = false, nil, nil, 0
}

// committed lets the answers out that waited for it.
func (c *Controller) committed(e *Committed, effects *Effects) {
	if !c.leading {
		return
	}
	c.offset = max(c.offset, e.Offset)
	for id, r := range c.registrations {
		if r.sequence <= e.Sequence && r.offset == record.MaxOffset {
			c.registrations[id] = registered{r.sequence, e.Offset}
		}
	}
	n := 0
	for n < len(c.pending) && c.pending[n].sequence <= e.Sequence {
		effects.Replies = append(effects.Replies, c.pending[n].replies...)
		c.waiting -= len(c.pending[n].replies)
		n++
	}
	c.pending = append(c.pending[:0], c.pending[n:]...)
}

// propose puts records into the log and into the image that the next request sees.
func (c *Controller) propose(records []metadata.Record, effects *Effects) *pending {
	next, _, err := metadata.Apply(c.image, records)
	if err != nil {
		panic(fmt.Sprintf("controller: proposes %v, which does not fit its own image: %v", records, err))
	}
	c.image = next
	c.sequence++
	effects.Proposals = append(effects.Proposals, Proposal{Sequence: c.sequence, Records: records})
	c.pending = append(c.pending, pending{sequence: c.sequence})
	return &c.pending[len(c.pending)-1]
}

// finish proposes a request's records and answers it when they are committed. A request without records may have read
// what is not committed yet; it waits for that.
func (c *Controller) finish(reply Reply, records []metadata.Record, effects *Effects) {
	switch {
	case len(records) > 0:
		p := c.propose(records, effects)
		p.replies = append(p.replies, reply)
		c.waiting++
	case len(c.pending) > 0:
		p := &c.pending[len(c.pending)-1]
		p.replies = append(p.replies, reply)
		c.waiting++
	default:
		effects.Replies = append(effects.Replies, reply)
	}
}
