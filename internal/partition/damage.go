package partition

import (
	"errors"
	"slices"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Damage below the durable mark takes from a replica what it has acknowledged. It is repaired from another replica, in this
// order, so that the loss is never hidden:
//
//	the partition is not hosted here any more: it neither leads nor follows
//	the controller is told that the replica is lost; it has others lead, and this node in neither ISR nor ELR
//	the image shows that, and that another leads: the log is set aside and begins anew
//	the partition follows, and joins the ISR when it holds everything, as any replica that was behind
//
// Where no other replica is in ISR or ELR nobody could do better. Then a log that cannot be opened stays refused, and one in
// which the damage was found while it was open is served but for what is damaged.

// damage is a log that is damaged, and not hosted.
type damage struct {
	cause error
	// epoch is the leader epoch in which this process may have told the leader of the log; NoLeaderEpoch if it was never
	// open. The leader forgets that with the next epoch, and not before.
	epoch    record.LeaderEpoch
	telling  bool // the controller is being told
	failures int
}

// find is the partition as it is hosted here, or opened now; nil if its log is damaged and waits for its repair. Only the
// goroutine of Apply calls it.
func (h *Host) find(topic *metadata.Topic, wanted *metadata.Partition, settings *config.Topic, current bool) (*Partition, error) {
	if p := h.FindByID(topic.ID, wanted.Index); p != nil {
		return p, nil
	}
	key := fetchKey{topic.ID, wanted.Index}
	found := h.damages[key]
	if found == nil {
		p, err := h.open(topic, wanted.Index, settings)
		damaged, ok := errors.AsType[*commitlog.DamagedError](err)
		if !ok || h.lost == nil || len(wanted.Replicas) == 1 {
			return p, err
		}
		found = &damage{cause: damaged, epoch: record.NoLeaderEpoch}
		h.damages[key] = found
		h.logger.Error("a replica is damaged: it is given up, and refilled from another", "partition", topic.Name, "index", wanted.Index, "cause", damaged)
	}
	switch {
	case !current:
		return nil, nil
	case h.given(wanted, found):
		if err := h.dir.Quarantine(commitlog.TopicPartition{Topic: topic.Name, Partition: wanted.Index}, topic.ID, found.cause); err != nil {
			return nil, err
		}
		delete(h.damages, key)
		return h.open(topic, wanted.Index, settings)
	case h.othersHold(wanted):
		h.tell(key, found)
	}
	return nil, nil
}

// given says whether the image shows that this replica counts for nothing, and that there is one to refill it from.
func (h *Host) given(wanted *metadata.Partition, found *damage) bool {
	return wanted.Leader != metadata.NoNode && wanted.Leader != h.self && wanted.LeaderEpoch > found.epoch &&
		!slices.Contains(wanted.ISR, h.self) && !slices.Contains(wanted.ELR, h.self)
}

// othersHold says whether another replica has all that is committed.
func (h *Host) othersHold(wanted *metadata.Partition) bool {
	other := func(n metadata.NodeID) bool { return n != h.self }
	return slices.ContainsFunc(wanted.ISR, other) || slices.ContainsFunc(wanted.ELR, other)
}

// tell tells the controller that a replica is lost. The image says what came of it.
func (h *Host) tell(key fetchKey, found *damage) {
	if found.telling {
		return
	}
	found.telling = true
	h.after(0, func() { h.report(key, found) }) // apart: the answer may come at once, and takes applying
}

func (h *Host) report(key fetchKey, found *damage) {
	h.lost(key.topic, key.partition, func(err error) {
		if !h.enter() {
			return
		}
		defer h.done.Done()
		h.applying.Lock()
		defer h.applying.Unlock()
		found.telling = false
		if err == nil || h.damages[key] != found {
			return
		}
		h.logger.Warn("the controller does not know yet that a replica is lost", "topic", key.topic.String(), "partition", key.partition, "error", err)
		found.failures++
		h.after(backoff(found.failures), func() { h.again(key, found) })
	})
}

// again looks at a damaged replica again, if it waits still.
func (h *Host) again(key fetchKey, found *damage) {
	if !h.enter() {
		return
	}
	defer h.done.Done()
	h.applying.Lock()
	defer h.applying.Unlock()
	if h.damages[key] == found {
		h.reapply(key)
	}
}

// reapply brings one partition to what the latest image says. The caller holds applying.
func (h *Host) reapply(key fetchKey) {
	topic := h.latest.TopicByID(key.topic)
	if topic == nil || topic.Partition(key.partition) == nil {
		return
	}
	if err := h.applyTopic(h.latest, topic, []int32{key.partition}); err != nil {
		h.logger.Error("a partition cannot be served", "topic", topic.Name, "partition", key.partition, "error", err)
	}
}

// Spoilt takes what was found while the log was read: if it is damage, and another replica holds everything, this one is given
// up. It does not wait.
func (p *Partition) Spoilt(err error) {
	damaged, ok := errors.AsType[*commitlog.DamagedError](err)
	if !ok || p.host.lost == nil || !p.spoilt.CompareAndSwap(false, true) {
		return
	}
	p.host.logger.Error("a replica is damaged", "partition", p.Name.String(), "cause", damaged)
	p.host.after(0, func() { p.host.giveUp(p, damaged) })
}

// giveUp ends the service of a replica and closes its log.
func (h *Host) giveUp(p *Partition, cause error) {
	if !h.enter() {
		return
	}
	defer h.done.Done()
	h.applying.Lock()
	defer h.applying.Unlock()
	if h.FindByID(p.TopicID, p.Name.Partition) != p || h.latest == nil {
		return
	}
	topic := h.latest.TopicByID(p.TopicID)
	if topic == nil || topic.Partition(p.Name.Partition) == nil || !h.othersHold(topic.Partition(p.Name.Partition)) {
		h.logger.Error("no other replica holds what is damaged here: the rest is served on", "partition", p.Name.String())
		p.spoilt.Store(false) // there may be another later
		return
	}
	h.follow(p, metadata.NoNode, record.NoLeaderEpoch)
	epoch, _ := p.epoch()
	h.forget(p)
	p.lose(protocol.Fail(protocol.NotLeaderOrFollower, "%s is damaged on node %d: %w", p.Name, h.self, cause))
	if err := p.log.Close(); err != nil {
		h.logger.Error("a damaged log is not closed", "partition", p.Name.String(), "error", err)
	}
	h.damages[keyOf(p)] = &damage{cause: cause, epoch: epoch}
	h.reapply(keyOf(p))
}

// epoch is the newest leader epoch in which the replica had a role.
func (p *Partition) epoch() (record.LeaderEpoch, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Serving()
}

// forget takes a partition out of those that are hosted.
func (h *Host) forget(p *Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.byLog, p.log)
	if t := h.byID[p.TopicID]; t != nil {
		t.partitions[p.Name.Partition] = nil
	}
}

// GivenAgain says whether a follower was given records from an offset before, and has not moved on: it may have found them
// to be damaged.
func (p *Partition) GivenAgain(follower metadata.NodeID, offset record.Offset) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, ok := p.given[follower]
	if p.given == nil {
		p.given = map[metadata.NodeID]record.Offset{}
	}
	p.given[follower] = offset
	return ok && before == offset
}
