package controller

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// lead starts from the committed image. A cluster without any feature is new: its first entry sets them. What a
// controller before began and had not committed to the end, this one ends.
func (c *Controller) lead(now time.Time, e *Lead, effects *Effects) {
	if c.leading || e.Epoch < c.epoch {
		panic(fmt.Sprintf("controller: lead in epoch %d while leading=%t in epoch %d", e.Epoch, c.leading, c.epoch))
	}
	c.leading, c.epoch, c.image, c.offset, c.several = true, e.Epoch, e.Image, e.Image.Offset, e.Several
	for b := range c.image.Brokers() {
		contact := c.contact(b.ID)
		contact.fenced, contact.shutdown = position{0, e.Image.Offset}, position{0, e.Image.Offset}
		if !b.Fenced && !c.own(b.ID) {
			contact.assumed = true
			c.endSessionAt(b.ID, now.Add(min(c.config.FirstHeartbeatMax, c.config.SessionTimeout)), effects)
		}
	}
	c.begin(effects)
	c.proposeAll(c.leaderless(), effects)
	c.proposeAll(c.eligible(c.image), effects)
	c.raise(effects)
	if c.config.LeaderRebalance {
		c.balanceAt(now.Add(c.config.LeaderImbalanceCheck), effects)
	}
}

// severalChanged gives the broker of this process a session when others could lead without it, and takes it away when
// nobody could any more. It has been heard: it is here.
func (c *Controller) severalChanged(now time.Time, e *SeveralChanged, effects *Effects) {
	if !c.leading || c.several == e.Several {
		return
	}
	self := c.config.Self
	if c.several = e.Several; !c.several {
		if c.alive(self) {
			c.endSessionAt(self, time.Time{}, effects)
		}
		return
	}
	if b := c.image.Broker(self); b != nil && !b.Fenced {
		c.touch(now, self, effects)
	}
	c.begin(effects)
}

// begin sets the levels of a cluster that is new, or new as one of several.
func (c *Controller) begin(effects *Effects) {
	if len(c.config.Features) > 0 && (c.several || !c.config.FeaturesOfSeveral) && !hasFeatures(c.image) {
		c.propose(c.firstFeatures(), effects)
	}
}

// firstFeatures are the levels of a new cluster.
func (c *Controller) firstFeatures() []metadata.Record {
	var records []metadata.Record
	for _, f := range c.config.Features {
		records = append(records, &protocol.FeatureLevelRecord{Name: f.Name, FeatureLevel: f.Max})
		if f.Name == metadata.FeatureELR && f.Max > 0 {
			records = append(records, c.oneInSyncMin()...)
		}
	}
	return records
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
	if reason == nil { // NOT_CONTROLLER would say that nothing was done
		reason = protocol.Fail(protocol.RequestTimedOut,
			"node %d is no longer the controller; what it was about to do may be done by the next one, or not: look before you repeat it", c.config.Self)
	}
	for _, p := range c.pending {
		for _, r := range p.replies {
			effects.fail(r.Token, reason)
		}
	}
	for _, id := range sortedNodes(c.contacts) {
		if c.alive(id) {
			effects.Timers = append(effects.Timers, sessionTimer(id, time.Time{}))
		}
	}
	if c.balancing {
		effects.Timers = append(effects.Timers, balanceTimer(time.Time{}))
	}
	clear(c.contacts)
	c.leading, c.several, c.balancing = false, false, false
	c.image, c.pending, c.waiting = nil, nil, 0
}

// committed lets the answers out that waited for it.
func (c *Controller) committed(e *Committed, effects *Effects) {
	if !c.leading {
		return
	}
	c.offset = max(c.offset, e.Offset)
	for _, contact := range c.contacts {
		contact.fenced.committed(e)
		contact.shutdown.committed(e)
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

// proposeAll proposes records that need not be agreed upon as one, in as few proposals as the log's entries allow, and
// returns the last; nil if there are no records.
func (c *Controller) proposeAll(records []metadata.Record, effects *Effects) *pending {
	var last *pending
	for len(records) > 0 {
		n := c.fitting(records)
		last = c.propose(records[:n], effects)
		records = records[n:]
	}
	return last
}

// fitting is how many of the records go into one proposal, 1 or more.
func (c *Controller) fitting(records []metadata.Record) int {
	if c.config.ProposalBytesMax <= 0 {
		return len(records)
	}
	var one []byte
	size := 0
	for i, r := range records {
		one = metadata.AppendRecords(one[:0], r)
		if size += len(one); size > c.config.ProposalBytesMax && i > 0 {
			return i
		}
	}
	return len(records)
}

// finish proposes a request's records and answers it when they are committed. A request without records may have read
// what is not committed yet; it waits for that.
func (c *Controller) finish(reply Reply, records []metadata.Record, effects *Effects) {
	p := c.proposeAll(records, effects)
	if p == nil && len(c.pending) > 0 {
		p = &c.pending[len(c.pending)-1]
	}
	if p == nil {
		effects.Replies = append(effects.Replies, reply)
		return
	}
	p.replies = append(p.replies, reply)
	c.waiting++
}
