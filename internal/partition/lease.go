package partition

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// A broker that no controller has answered for a while may have been replaced without knowing it. What it may still do as a
// leader, where others could lead in its place:
//
//   - It goes on while its in-sync replicas fetch from it in its leader epoch: none of them leads, and what they acknowledge is
//     committed. So a cluster without a controller goes on, as Kafka's does.
//   - When one of them is silent too, nothing can be committed here. Produce is refused, those who wait for the high watermark
//     are sent away, and a consumer that has read all there is, too: they look for another leader, instead of waiting until the
//     network is whole again. What is committed stays readable. That is over when all have been heard for as long as it takes to
//     be silent: when a network becomes whole again, what was sent while it was broken comes too, from replicas that have another
//     leader by now. A producer that was back then had its records refused as being out of sequence.
//   - The group coordinator, which answers from memory, stops at once: Leased.
//
// A client that is sent away asks somebody who leads. Asked that, this node can name itself only: see api.Away.

// lookAgain is how often partitions are looked at while the lease is over: an in-sync replica may fall silent later.
const lookAgain = 250 * time.Millisecond

// Leased says whether no other node can have taken this node's place. It is so where there is no other replica.
func (p *Partition) Leased() bool { return !p.replicated.Load() || p.host.leased() }

// Forsaken is why a client that waits here for something new waits in vain, or nil.
func (p *Partition) Forsaken() error {
	if p.Leased() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forsakenLocked()
}

func (p *Partition) forsakenLocked() error {
	if p.Leased() {
		return nil
	}
	switch now := p.host.instant(); {
	case p.state.Alone(now, p.host.silence()):
		p.forsakenUntil = now.Add(p.host.silence())
	case p.forsakenUntil <= now:
		return nil
	}
	return &ForsakenError{Partition: p, cause: protocol.Fail(protocol.NotLeaderOrFollower,
		"node %d hears neither a controller nor the other replicas of %s", p.host.self, p.Name)}
}

// ForsakenError is NOT_LEADER_OR_FOLLOWER to a client that has to look for another leader, which this node does not know.
type ForsakenError struct {
	Partition *Partition
	cause     *protocol.Error
}

func (e *ForsakenError) Error() string { return e.cause.Error() }

// Unwrap returns the code and the reason.
func (e *ForsakenError) Unwrap() error { return e.cause }

// silence is how long a replica is quiet before it counts as silent: as long as this broker counts on a controller.
func (h *Host) silence() time.Duration { return metadata.Lease(h.broker().BrokerSessionTimeout) }

// LeaseOver sends away those who wait in vain, now and as long as the lease does not begin again. It is called each time that the
// lease is over, and when there has not been one yet.
func (h *Host) LeaseOver() {
	if h.forsake() && !h.looksAgain.Swap(true) {
		h.after(lookAgain, h.lookLater)
	}
}

// lookLater is the one look after another that there is while the lease is over.
func (h *Host) lookLater() {
	h.looksAgain.Store(false) // before the look: LeaseOver begins anew if the lease ends after it
	h.LeaseOver()
}

// forsake sends away those who wait in vain, and says whether the lease is over.
func (h *Host) forsake() bool {
	if !h.enter() {
		return false
	}
	defer h.done.Done()
	if h.leased() {
		return false
	}
	if h.replicates.Load() {
		for _, p := range h.All() {
			p.forsake()
		}
	}
	return true
}

// forsake sends away those who wait for the high watermark, if they wait in vain.
func (p *Partition) forsake() {
	p.mu.Lock()
	reason := p.forsakenLocked()
	if reason == nil {
		p.mu.Unlock()
		return
	}
	waiting := append(p.commits.all(), p.starts.all()...)
	readers := takeReaders(p.readers, nil)
	p.mu.Unlock()
	for _, r := range readers {
		r.wake()
	}
	for _, w := range waiting {
		w.f(reason)
	}
}
