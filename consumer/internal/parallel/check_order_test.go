package parallel

import (
	"fmt"
	"time"
)

func (m *model) fail(format string, args ...any) {
	m.found = append(m.found, fmt.Sprintf(format, args...))
}

// checkStart looks at a record that was given: it may run, nothing of its lane in front of it is unprocessed, and it is the lowest of its
// partition that may.
func (m *model) checkStart(now time.Time, it Item[int, int64]) {
	h := m.held[it.Partition]
	if h == nil || h.dropped {
		m.fail("order: record %d of partition %d was given, which is not held", it.Offset, it.Partition)
		return
	}
	var r *fact
	at := 0
	for i, f := range h.records {
		if f.offset == it.Offset {
			r, at = f, i
		}
	}
	switch {
	case r == nil:
		m.fail("order: record %d of partition %d was given and never added", it.Offset, it.Partition)
		return
	case h.draining:
		m.fail("drain: record %d of partition %d started after Drain", it.Offset, it.Partition)
	case r.done:
		m.fail("order: record %d of partition %d was given again after it was processed", it.Offset, it.Partition)
	case r.running:
		m.fail("order: record %d of partition %d was given while it runs", it.Offset, it.Partition)
	case r.until.After(now):
		m.fail("order: record %d of partition %d was given before its delay was over", it.Offset, it.Partition)
	case !m.may(h, at, now):
		m.fail("order: record %d of partition %d, key %q, started before one of its key in front of it was processed", it.Offset, it.Partition, r.key)
	case m.runnable(h, now) != r:
		m.fail("order: record %d of partition %d started though one with a lower offset may run", it.Offset, it.Partition)
	}
	if it.LeaderEpoch != r.epoch || string(it.Key) != string(r.key) || it.Payload != r.offset*10 || it.Attempt != r.tries+1 {
		m.fail("order: record %d of partition %d came back changed: %+v", it.Offset, it.Partition, it)
	}
}

// started notes it.
func (m *model) started(now time.Time, it Item[int, int64]) {
	m.turns++
	h := m.held[it.Partition]
	if h == nil {
		return
	}
	for _, f := range h.records {
		if f.offset == it.Offset {
			f.running = true
			f.tries++
			m.open[it.Ticket] = &attempt{of: h, record: f, since: now}
		}
	}
}

// ended notes the end of an attempt.
func (m *model) ended(now time.Time, t Ticket, r Result) {
	a := m.open[t]
	delete(m.open, t)
	if a == nil {
		return
	}
	a.record.running = false
	switch {
	case r.Outcome != Retry:
		a.record.done = true
		a.of.forget()
	case a.of.draining:
		a.record.lost = true
	default:
		a.record.until = now.Add(r.Delay)
	}
}
