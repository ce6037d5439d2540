package controller

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// registerBroker makes a broker known. A new incarnation gets a new epoch, and loses what the one before it led: it is
// fenced until it has caught up with the metadata log, its own registration included. In a quorum of one the broker of
// this very process is not fenced, and leads what it led in new leader epochs.
func (c *Controller) registerBroker(now time.Time, e *RegisterBroker, effects *Effects) {
	id := metadata.NodeID(e.Request.BrokerID)
	before := c.image.Broker(id)
	if err := c.checkRegistration(e.Request, before); err != nil {
		effects.fail(e.Token, err)
		return
	}
	r := registration(e.Request)
	again := before != nil && before.Incarnation == e.Request.IncarnationID
	local := e.Local && c.own(id)
	lost := lostBy(e.Request, before)
	var records []metadata.Record
	switch {
	case again:
		r.Fenced, r.InControlledShutdown, r.BrokerEpoch = before.Fenced, before.ControlledShutdown, int64(before.Epoch)
		records = []metadata.Record{r}
	case local:
		if lost != nil {
			c.proposeAll(c.withoutBroker(id, lost), effects)
		}
		r.Fenced, r.BrokerEpoch = false, int64(c.nextBrokerEpoch())
		records = append([]metadata.Record{r}, c.again(id)...)
	default:
		r.Fenced, r.BrokerEpoch = true, int64(c.nextBrokerEpoch())
		records = append(c.withoutBroker(id, lost), r)
	}
	if !local {
		c.touch(now, id, effects)
	}
	response := protocol.NewBrokerRegistrationResponse()
	response.BrokerEpoch = r.BrokerEpoch
	c.finish(Reply{Token: e.Token, Response: response}, records, effects)
	contact := c.contact(id)
	contact.fenced = c.last()
	if !again {
		contact.shutdown, contact.heard = position{}, -1
	}
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
	if err := c.checkDirectories(r); err != nil {
		return err
	}
	for _, f := range r.Features {
		if level := c.image.Feature(f.Name); level > 0 && (level < f.MinSupportedVersion || level > f.MaxSupportedVersion) {
			return protocol.Fail(protocol.UnsupportedVersion, "broker %d supports levels %d to %d of %s, the cluster is at level %d",
				r.BrokerID, f.MinSupportedVersion, f.MaxSupportedVersion, f.Name, level)
		}
	}
	if before == nil || before.Incarnation == r.IncarnationID || !c.holds(before) {
		return nil
	}
	// The process that has a log directory has it locked: the one that had it before is dead.
	if slices.ContainsFunc(r.LogDirs, func(d protocol.UUID) bool { return slices.Contains(before.LogDirs, d) }) {
		return nil
	}
	return protocol.Fail(protocol.DuplicateBrokerRegistration,
		"another broker %d is registered and its session has not expired", r.BrokerID)
}

// holds says whether a registration keeps another process from taking the broker's id.
func (c *Controller) holds(b *metadata.Broker) bool {
	return c.alive(b.ID) && !b.Fenced && !b.ControlledShutdown
}

// checkDirectories says whether log directories can be a broker's own.
func (c *Controller) checkDirectories(r *protocol.BrokerRegistrationRequest) error {
	for i, d := range r.LogDirs {
		if d.IsZero() || slices.Contains(r.LogDirs[:i], d) {
			return protocol.Fail(protocol.InvalidRegistration, "broker %d registers log directory %s twice or without an id", r.BrokerID, d)
		}
		for b := range c.image.Brokers() {
			if b.ID != metadata.NodeID(r.BrokerID) && slices.Contains(b.LogDirs, d) {
				return protocol.Fail(protocol.InvalidRegistration, "broker %d registers log directory %s, which belongs to broker %d: was it copied?",
					r.BrokerID, d, b.ID)
			}
		}
	}
	return nil
}

// lostBy says what a new incarnation no longer has that the one before acknowledged, nil for nothing. A broker whose log
// directory is another one has nothing; nor has one that was unregistered, as far as anybody knows. A crash takes nothing
// but from a broker that has said so (KIP-966): then PreviousBrokerEpoch, which a clean shutdown leaves behind, tells that
// there was none.
func lostBy(r *protocol.BrokerRegistrationRequest, before *metadata.Broker) *loss {
	id := metadata.NodeID(r.BrokerID)
	switch {
	case before == nil:
		return &loss{broker: id, all: true}
	case before.Incarnation == r.IncarnationID:
		return nil
	}
	for _, d := range before.LogDirs {
		if !slices.Contains(r.LogDirs, d) {
			return &loss{broker: id, all: true}
		}
	}
	if before.Volatile() && metadata.BrokerEpoch(r.PreviousBrokerEpoch) != before.Epoch {
		return &loss{broker: id}
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

// unregisterBroker forgets a broker; whatever it led is led by others, or by nobody.
func (c *Controller) unregisterBroker(e *UnregisterBroker, effects *Effects) {
	b := c.image.Broker(metadata.NodeID(e.Request.BrokerID))
	if b == nil {
		effects.fail(e.Token, protocol.Fail(protocol.BrokerIDNotRegistered, "broker %d is not registered", e.Request.BrokerID))
		return
	}
	if c.alive(b.ID) {
		effects.Timers = append(effects.Timers, sessionTimer(b.ID, time.Time{}))
	}
	delete(c.contacts, b.ID)
	records := append(c.withoutBroker(b.ID, nil), &protocol.UnregisterBrokerRecord{
		BrokerID: int32(b.ID), BrokerEpoch: int64(b.Epoch),
	})
	c.finish(Reply{Token: e.Token, Response: protocol.NewUnregisterBrokerResponse()}, records, effects)
}
