package api

import (
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
)

// BrokerState is what a broker is to the cluster, in a word for a person.
type BrokerState string

// The states of a broker.
const (
	BrokerUnfenced     BrokerState = "unfenced"
	BrokerStarting     BrokerState = "starting"      // registered, and has not caught up with the metadata log yet
	BrokerSessionLost  BrokerState = "session lost"  // the controller heard nothing of it for too long, and fenced it
	BrokerShuttingDown BrokerState = "shutting down" // it hands away what it leads
	BrokerShutDown     BrokerState = "shut down"     // it did, and ended
	BrokerFenced       BrokerState = "fenced"        // before this node followed the metadata log: it does not know why
)

// BrokerStates remembers since when each broker is what it is. The metadata log holds no times, so this is what a node
// saw: when it applied the change. Its methods may be called concurrently.
type BrokerStates struct {
	now func() time.Time

	mu   sync.Mutex
	seen map[metadata.NodeID]seenBroker
}

type seenBroker struct {
	epoch metadata.BrokerEpoch
	state BrokerState
	since time.Time // zero: before the first image
}

// NewBrokerStates makes it with a wall clock.
func NewBrokerStates(now func() time.Time) *BrokerStates {
	return &BrokerStates{now: now, seen: map[metadata.NodeID]seenBroker{}}
}

// Follow takes the images one after the other. A nil delta is the first.
func (s *BrokerStates) Follow(image *metadata.Image, delta *metadata.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delta == nil {
		for b := range image.Brokers() {
			s.seen[b.ID] = seenBroker{epoch: b.Epoch, state: stateOf(b, BrokerFenced)}
		}
		return
	}
	for _, id := range delta.Brokers {
		b := image.Broker(id)
		if b == nil {
			delete(s.seen, id)
			continue
		}
		before := s.seen[id]
		now := seenBroker{epoch: b.Epoch, state: stateOf(b, before.fenced(b.Epoch)), since: s.now()}
		if now.epoch != before.epoch || now.state != before.state {
			s.seen[id] = now
		}
	}
}

// stateOf is the state of a broker, with what fenced means for it.
func stateOf(b *metadata.Broker, fenced BrokerState) BrokerState {
	switch {
	case b.Fenced && b.ControlledShutdown:
		return BrokerShutDown
	case b.Fenced:
		return fenced
	case b.ControlledShutdown:
		return BrokerShuttingDown
	}
	return BrokerUnfenced
}

// fenced is what it means that the broker is fenced now.
func (s seenBroker) fenced(epoch metadata.BrokerEpoch) BrokerState {
	switch {
	case s.epoch != epoch || s.state == "":
		return BrokerStarting
	case s.state == BrokerUnfenced:
		return BrokerSessionLost
	}
	return s.state
}

// Of is the state of a broker, and since when; zero if it was so before this node knew.
func (s *BrokerStates) Of(b *metadata.Broker) (BrokerState, time.Time) {
	s.mu.Lock()
	seen, ok := s.seen[b.ID]
	s.mu.Unlock()
	if !ok || seen.epoch != b.Epoch || (seen.state == BrokerUnfenced || seen.state == BrokerShuttingDown) == b.Fenced {
		return stateOf(b, BrokerFenced), time.Time{} // the image is ahead of what was followed
	}
	return seen.state, seen.since
}
