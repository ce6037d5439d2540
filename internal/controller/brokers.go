package controller

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// registerBroker makes a broker known. A new incarnation gets a new epoch, and loses what the one before it led: it is
// fenced until it has caught up with the metadata log, its own registration included. The broker of this very process is not fenced, and leads what it
// led in new leader epochs.
func (c *Controller) registerBroker(now time.Time, e *RegisterBroker, effects *Effects) (protocol.Message, []metadata.Record, error) {
	id := metadata.NodeID(e.Request.BrokerID)
	before := c.image.Broker(id)
	if err := c.checkRegistration(e.Request, before); err != nil {
		return nil, nil, err
	}
	r := registration(e.Request)
	again := before != nil && before.Incarnation == e.Request.IncarnationID
	var records []metadata.Record
	switch {
	case again:
		r.Fenced, r.InControlledShutdown, r.BrokerEpoch = before.Fenced, before.ControlledShutdown, int64(before.Epoch)
		records = []metadata.Record{r}
	case e.Local:
		r.Fenced, r.BrokerEpoch = false, int64(c.nextBrokerEpoch())
		records = append([]metadata.Record{r}, c.again(id)...)
	default:
		r.Fenced, r.BrokerEpoch = true, int64(c.nextBrokerEpoch())
		records = append(c.withoutBroker(id), r)
	}
	if !e.Local {
		c.touch(now, id, effects)
	}
	c.registrations[id] = registered{c.sequence + 1, record.MaxOffset}
	response := protocol.NewBrokerRegistrationResponse()
	response.BrokerEpoch = r.BrokerEpoch
	return response, records, nil
}

func (c *Controller) checkRegistration(r *protocol.BrokerRegistrationRequest, before *metadata.Broker) error {
	if r.ClusterID != c.config.ClusterID {
		return protocol.Fail(protocol.InconsistentClusterID,
			"broker %d belongs to cluster %q, this is cluster %q", r.BrokerID, r.ClusterID, c.config.ClusterID)
	}
	if r.BrokerID < 0 {
		return protocol.Fail(protocol.InvalidRequest, "broker id %d is negative", r.BrokerID)
	}
	if r.IsMigratingZkBroker {
		return protocol.Fail(protocol.BrokerIDNotRegistered, "brokers that migrate from ZooKeeper cannot register")
	}
	if before == nil || before.Incarnation == r.IncarnationID {
		return nil
	}
	if _, alive := c.sessions[before.ID]; alive && !before.Fenced {
		return protocol.Fail(protocol.DuplicateBrokerRegistration,
			"another broker %d is registered and its session has not expired", r.BrokerID)
	}
	return nil
}

func registration(r *protocol.BrokerRegistrationRequest) *protocol.RegisterBrokerRecord {
	record := &protocol.RegisterBrokerRecord{
		BrokerID: r.BrokerID, IncarnationID: r.IncarnationID, Rack: r.Rack, LogDirs: r.LogDirs,
	}
	for _, l := range r.Listeners {
		record.EndPoints = append(record.EndPoints, protocol.RegisterBrokerRecordBrokerEndpoint(l))
	}
	for _, f := range r.Features {
		record.Features = append(record.Features, protocol.RegisterBrokerRecordBrokerFeature(f))
	}
	return record
}

// nextBrokerEpoch is above every epoch ever given. An epoch is at most the offset of the entry that gives it, and each
// proposal takes at least one offset, so the known offset and the epochs of the image together bound them all.
func (c *Controller) nextBrokerEpoch() metadata.BrokerEpoch {
	next := metadata.BrokerEpoch(max(c.offset, 0))
	for b := range c.image.Brokers() {
		next = max(next, b.Epoch)
	}
	return next + 1
}

// brokerHeartbeat prolongs a broker's session and moves it between fenced, unfenced and shutting down.
func (c *Controller) brokerHeartbeat(now time.Time, e *BrokerHeartbeat, effects *Effects) (protocol.Message, []metadata.Record, error) {
	b, err := c.registered(e.Request.BrokerID, e.Request.BrokerEpoch)
	if err != nil {
		return nil, nil, err
	}
	if b.ID != c.config.Self {
		c.touch(now, b.ID, effects)
	}
	response := protocol.NewBrokerHeartbeatResponse()
	response.IsCaughtUp = record.Offset(e.Request.CurrentMetadataOffset) >= c.registrations[b.ID].offset
	response.IsFenced = b.Fenced
	var records []metadata.Record
	switch want := e.Request; {
	case want.WantShutDown && (b.Fenced || want.WantFence || !c.leads(b.ID)):
		records = c.fence(b)
		response.IsFenced, response.ShouldShutDown = true, true
	case want.WantShutDown && !b.ControlledShutdown:
		change := brokerChange(b)
		change.InControlledShutdown = 1
		records = append([]metadata.Record{change}, c.withoutBroker(b.ID)...)
	case want.WantFence:
		records = c.fence(b)
		response.IsFenced = true
	case b.Fenced && response.IsCaughtUp && !want.WantShutDown:
		change := brokerChange(b)
		change.Fenced = -1
		records = append([]metadata.Record{change}, c.withBroker(b.ID)...)
		response.IsFenced = false
	}
	return response, records, nil
}

func brokerChange(b *metadata.Broker) *protocol.BrokerRegistrationChangeRecord {
	return &protocol.BrokerRegistrationChangeRecord{BrokerID: int32(b.ID), BrokerEpoch: int64(b.Epoch)}
}

// fence takes everything from a broker that it leads; nothing if it is fenced already.
func (c *Controller) fence(b *metadata.Broker) []metadata.Record {
	if b.Fenced {
		return nil
	}
	change := brokerChange(b)
	change.Fenced = 1
	return append([]metadata.Record{change}, c.withoutBroker(b.ID)...)
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

// sessionExpired fences a broker that was silent for too long.
func (c *Controller) sessionExpired(e *SessionExpired, effects *Effects) {
	if _, ok := c.sessions[e.Broker]; !ok || !c.leading {
		return
	}
	delete(c.sessions, e.Broker)
	if b := c.image.Broker(e.Broker); b != nil && !b.Fenced {
		c.propose(c.fence(b), effects)
	}
}

// unregisterBroker forgets a broker; whatever it led is led by others, or by nobody.
func (c *Controller) unregisterBroker(e *UnregisterBroker, effects *Effects) (protocol.Message, []metadata.Record, error) {
	b := c.image.Broker(metadata.NodeID(e.Request.BrokerID))
	if b == nil {
		return nil, nil, protocol.Fail(protocol.BrokerIDNotRegistered, "broker %d is not registered", e.Request.BrokerID)
	}
	delete(c.registrations, b.ID)
	if _, ok := c.sessions[b.ID]; ok {
		delete(c.sessions, b.ID)
		effects.Timers = append(effects.Timers, Timer{Broker: b.ID})
	}
	records := append(c.withoutBroker(b.ID), &protocol.UnregisterBrokerRecord{
		BrokerID: int32(b.ID), BrokerEpoch: int64(b.Epoch),
	})
	return protocol.NewUnregisterBrokerResponse(), records, nil
}

// touch starts a broker's session anew.
func (c *Controller) touch(now time.Time, id metadata.NodeID, effects *Effects) {
	c.sessions[id] = struct{}{}
	effects.Timers = append(effects.Timers, Timer{Broker: id, At: now.Add(c.config.SessionTimeout)})
}
