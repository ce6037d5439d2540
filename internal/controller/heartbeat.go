package controller

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// brokerHeartbeat prolongs a broker's session and moves it between fenced, unfenced and shutting down. One that was fenced is let
// in again when its image shows that: before, it would take itself for the leader of what others lead, with a lease (metadata.Lease).
func (c *Controller) brokerHeartbeat(now time.Time, e *BrokerHeartbeat, effects *Effects) {
	b, err := c.registered(e.Request.BrokerID, e.Request.BrokerEpoch)
	if err != nil {
		effects.fail(e.Token, err)
		return
	}
	c.touch(now, b.ID, effects)
	contact := c.contact(b.ID)
	contact.heard = max(contact.heard, record.Offset(e.Request.CurrentMetadataOffset))
	response := protocol.NewBrokerHeartbeatResponse()
	response.IsCaughtUp = record.Offset(e.Request.CurrentMetadataOffset) >= contact.fenced.offset
	response.IsFenced = b.Fenced
	var records []metadata.Record
	starts, fences := false, false
	switch want := e.Request; {
	case want.WantShutDown && (b.Fenced || want.WantFence || offline(want, b) || c.mayShutDown(b)):
		records, fences = c.fence(b), true
		response.IsFenced, response.ShouldShutDown = true, true
	case want.WantShutDown:
		if starts = !b.ControlledShutdown; starts {
			records = c.shutDown(b)
		}
	case want.WantFence, offline(want, b):
		records, fences = c.fence(b), true
		response.IsFenced = true
	case b.Fenced && response.IsCaughtUp && !b.ControlledShutdown: // one that was shutting down must register again
		records = c.unfence(b)
		response.IsFenced = false
	}
	c.finish(Reply{Token: e.Token, Response: response}, records, effects)
	if starts {
		contact.shutdown = c.last()
	}
	if fences && len(records) > 0 {
		contact.fenced = c.last()
	}
}

// offline says whether a broker has lost the use of its log directories (KIP-858): it can serve nothing any more. What was
// acknowledged may still be in them, so it keeps its place among those that may lead when it comes back.
func offline(want *protocol.BrokerHeartbeatRequest, b *metadata.Broker) bool {
	if len(want.OfflineLogDirs) == 0 {
		return false
	}
	return !slices.ContainsFunc(b.LogDirs, func(d protocol.UUID) bool { return !slices.Contains(want.OfflineLogDirs, d) })
}

// mayShutDown says whether a broker that wants to shut down may: it leads nothing, and every other live broker knows who
// leads in its place, so that no client is sent to it any more.
func (c *Controller) mayShutDown(b *metadata.Broker) bool {
	if c.leads(b.ID) {
		return false
	}
	if !b.ControlledShutdown {
		return true
	}
	moved := c.contact(b.ID).shutdown.offset
	for other := range c.image.Brokers() {
		if other.ID != b.ID && other.Active() && !c.own(other.ID) && c.contact(other.ID).heard < moved {
			return false
		}
	}
	return true
}

func (c *Controller) leads(id metadata.NodeID) bool {
	for t := range c.image.Topics() {
		for p := range t.Partitions() {
			if p.Leader == id {
				return true
			}
		}
	}
	return false
}

func brokerChange(b *metadata.Broker) *protocol.BrokerRegistrationChangeRecord {
	return &protocol.BrokerRegistrationChangeRecord{BrokerID: int32(b.ID), BrokerEpoch: int64(b.Epoch)}
}

// fence takes everything from a broker that it leads, and its place in every ISR; nothing if it is fenced already. The
// broker's own record comes last here and below where a broker loses something, so that a part of it that is committed
// alone leaves no partition with a leader that cannot lead.
func (c *Controller) fence(b *metadata.Broker) []metadata.Record {
	if b.Fenced {
		return nil
	}
	change := brokerChange(b)
	change.Fenced = 1
	records := c.withoutBroker(b.ID, nil)
	if c.config.faults.fencesBeforePartitions {
		return append([]metadata.Record{change}, records...)
	}
	return append(records, change)
}

// shutDown begins a controlled shutdown: others lead, and the broker can join no ISR any more.
func (c *Controller) shutDown(b *metadata.Broker) []metadata.Record {
	change := brokerChange(b)
	change.InControlledShutdown = 1
	return append(c.withoutBroker(b.ID, nil), change)
}

// unfence lets a broker lead and be in sync again. Its own record comes first: a controller that finds that alone elects
// what is missing when it begins to lead.
func (c *Controller) unfence(b *metadata.Broker) []metadata.Record {
	change := brokerChange(b)
	change.Fenced = -1
	return append([]metadata.Record{change}, c.withBroker(b.ID)...)
}
