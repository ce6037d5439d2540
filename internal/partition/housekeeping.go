package partition

import "time"

// Start begins the housekeeping: retention each log.retention.check.interval.ms, compaction each
// log.cleaner.backoff.ms. Both take one log at a time, so that they never keep the disk from producers for long. With
// other nodes it also looks at the in-sync replicas, twice in replica.lag.time.max.ms, and writes high watermarks down.
func (h *Host) Start() {
	h.every(func() time.Duration { return h.broker().RetentionCheckInterval }, h.retain)
	h.every(func() time.Duration { return h.broker().CleanerBackoff }, h.compact)
	if h.isr != nil {
		h.every(func() time.Duration { return max(h.broker().ReplicaLagMax/2, time.Millisecond) }, h.CheckISR)
	}
	if h.files != nil {
		h.every(func() time.Duration { return h.broker().HighWatermarkCheckpoint }, func() {
			if err := h.CheckpointHighWatermarks(); err != nil {
				h.logger.Warn("high watermarks are not written", "error", err)
			}
		})
	}
}

func (h *Host) every(interval func() time.Duration, do func()) {
	h.done.Go(func() {
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
	})
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

// compact asks every compacted log; the log itself knows whether enough of it is dirty.
func (h *Host) compact() {
	if !h.broker().CleanerEnable {
		return
	}
	for _, p := range h.All() {
		if h.stopping() {
			return
		}
		if !p.log.Config().Compact {
			continue
		}
		done, err := p.log.Compact(h.now().UnixMilli(), p.HighWatermark())
		switch {
		case err != nil:
			p.Spoilt(err)
			h.logger.Error("compaction failed", "partition", p.Name.String(), "error", err)
		case done.Ran:
			h.logger.Debug("compacted", "partition", p.Name.String(), "to", int64(done.CleanedTo),
				"records read", done.RecordsRead, "records kept", done.RecordsKept)
		}
	}
}
