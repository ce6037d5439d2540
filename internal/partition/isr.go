package partition

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/replica"
)

// alter sends a proposal of a leader to the controller, and takes the answer back to it.
func (h *Host) alter(p *Partition, a *replica.Alteration) {
	if h.isr == nil {
		return // a node that is alone; it stays a proposal
	}
	change := ISRChange{TopicID: p.TopicID, Partition: p.Name.Partition, LeaderEpoch: a.Epoch, PartitionEpoch: a.PartitionEpoch, ISR: a.ISR}
	h.isr.AlterPartition(change, func(state ISRState, err error) {
		answer := &replica.Answered{ID: a.ID, Epoch: state.LeaderEpoch, PartitionEpoch: state.PartitionEpoch, ISR: state.ISR}
		if err != nil {
			answer.Code = protocol.CodeOf(err)
			h.logger.Info("the in-sync replicas do not change yet", "partition", p.Name.String(), "error", err)
		}
		p.step(answer)
	})
}

// CheckISR lets every leader look at the time. Start has it called twice in replica.lag.time.max.ms.
func (h *Host) CheckISR() {
	if !h.replicates.Load() {
		return // as on a node that is alone: it need not look through all it has
	}
	for _, p := range h.All() {
		if p.replicated.Load() {
			p.step(&replica.Check{LogEnd: p.log.EndOffset()})
		}
	}
}

// checkAt lets one leader look at the time at an instant.
func (h *Host) checkAt(p *Partition, at replica.Instant) {
	h.after(max(at.Sub(h.instant()), 0), func() {
		if h.enter() {
			defer h.done.Done()
			p.step(&replica.Check{LogEnd: p.log.EndOffset()})
		}
	})
}

// enter keeps Close waiting until done.Done; false if the host closes.
func (h *Host) enter() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.stopping() {
		return false
	}
	h.done.Add(1)
	return true
}

// monotonic is an Instant clock that counts from now.
func monotonic() func() replica.Instant {
	began := time.Now()
	return func() replica.Instant { return replica.Instant(time.Since(began).Milliseconds()) }
}
