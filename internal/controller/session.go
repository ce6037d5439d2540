package controller

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// position is where in the metadata log a proposal of this controller stands.
type position struct {
	sequence uint64
	offset   record.Offset // MaxOffset until it is committed
}

func (p *position) committed(e *Committed) {
	if p.sequence <= e.Sequence && p.offset == record.MaxOffset {
		p.offset = e.Offset
	}
}

// contact is what the controller knows of a broker beside the image, since it leads.
type contact struct {
	session  time.Time     // when it ends; zero: there is none
	assumed  bool          // the session was another controller's: the broker has not turned to this one yet
	fenced   position      // of the broker's registration, or of what fenced it since
	shutdown position      // of the last change that its controlled shutdown made
	heard    record.Offset // the greatest offset of the metadata log that its heartbeats named, -1 before the first
}

func (c *Controller) contact(id metadata.NodeID) *contact {
	s := c.contacts[id]
	if s == nil {
		s = &contact{heard: -1}
		c.contacts[id] = s
	}
	return s
}

// last is the position of what was proposed last.
func (c *Controller) last() position { return position{c.sequence, record.MaxOffset} }

// own says whether a broker lives and ends with this controller: it needs no session.
func (c *Controller) own(id metadata.NodeID) bool { return id == c.config.Self && !c.several }

// touch starts a broker's session anew.
func (c *Controller) touch(now time.Time, id metadata.NodeID, effects *Effects) {
	if c.own(id) {
		return
	}
	c.contact(id).assumed = false
	c.endSessionAt(id, now.Add(c.config.SessionTimeout), effects)
}

func (c *Controller) endSessionAt(id metadata.NodeID, at time.Time, effects *Effects) {
	c.contact(id).session = at
	effects.Timers = append(effects.Timers, sessionTimer(id, at))
}

// alive says whether a broker has a session.
func (c *Controller) alive(id metadata.NodeID) bool {
	s := c.contacts[id]
	return s != nil && !s.session.IsZero()
}

// sessionExpired fences a broker that was silent for too long.
func (c *Controller) sessionExpired(e *SessionExpired, effects *Effects) {
	if !c.leading || !c.alive(e.Broker) {
		return
	}
	c.contacts[e.Broker].session = time.Time{}
	if b := c.image.Broker(e.Broker); b != nil {
		c.proposeFence(b, effects)
	}
}

// proposeFence fences a broker. It comes back when it has seen that.
func (c *Controller) proposeFence(b *metadata.Broker, effects *Effects) {
	if records := c.fence(b); len(records) > 0 {
		c.proposeAll(records, effects)
		c.contact(b.ID).fenced = c.last()
	}
}

// connectionLost shortens the session of a broker whose connection has ended. Fencing is always safe, so it may be quick;
// a broker that lives is back long before, and its heartbeat gives it a whole session.
func (c *Controller) connectionLost(now time.Time, e *HeartbeatConnectionLost, effects *Effects) {
	if !c.leading || !c.alive(e.Broker) {
		return
	}
	b := c.image.Broker(e.Broker)
	if b == nil || e.Epoch != metadata.NoBrokerEpoch && e.Epoch != b.Epoch {
		return // that was a former process of the broker
	}
	if at := now.Add(c.config.SessionLostAfter); at.Before(c.contacts[e.Broker].session) {
		c.endSessionAt(e.Broker, at, effects)
	}
}

// brokerRefused fences a broker that has not turned to this controller yet, and whose node refuses connections: the
// controller before may have died with it. One that sends heartbeats lives, whatever the way to it looks like.
func (c *Controller) brokerRefused(e *BrokerRefused, effects *Effects) {
	if c.leading && c.alive(e.Broker) && c.contacts[e.Broker].assumed {
		effects.Timers = append(effects.Timers, sessionTimer(e.Broker, time.Time{}))
		c.sessionExpired(&SessionExpired{Broker: e.Broker}, effects)
	}
}
