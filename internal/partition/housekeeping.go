package partition

import (
	"time"
)

// Start begins the housekeeping: retention each log.retention.check.interval.ms, compaction of the dirtiest logs each
// log.cleaner.backoff.ms. Both run one log at a time, so that they never take the disk from producers for long.
func (h *Host) Start() {
	h.every(func() time.Duration { return h.broker().RetentionCheckInterval }, h.retain)
}

func (h *Host) every(interval func() time.Duration, do func()) {
	h.done.Add(1)
	go func() {
		defer h.done.Done()
		timer := time.NewTimer(interval())
		defer timer.Stop()
		for {
			select {
			case <-h.stop:
				return
			case <-timer.C:
				do()
				timer.Reset(interval())
			}
		}
	}()
}

func (h *Host) stopping() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

func (h *Host) retain() {
	for _, p := range h.All() {
		if h.stopping() {
			return
		}
		if _, err := p.log.Retain(h.now().UnixMilli(), p.HighWatermark()); err != nil {
			h.logger.Error("retention failed", "partition", p.Name.String(), "error", err)
		}
	}
}
