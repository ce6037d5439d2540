package schema

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
)

// load reads the topic, as far as it is about one table, nil for all.
func (h *History) load(ctx context.Context, only *Name) error {
	r, err := h.c.reader(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	return r.catchUp(ctx, func(record consumer.Record) { h.apply(record, only) })
}

// apply takes a record. One that cannot be read is passed over: what it told is decided again.
func (h *History) apply(r consumer.Record, only *Name) {
	if r.Value == nil {
		return
	}
	h.mu.Lock()
	err := h.states.apply(r.Value, only)
	h.mu.Unlock()
	if err != nil {
		h.c.Log.Warn("a record of the topic of schemas cannot be read", "topic", r.Topic, "offset", r.Offset, "error", err)
	}
}

// recall reads a table again that was forgotten.
func (h *History) recall(ctx context.Context, name Name) error {
	h.mu.Lock()
	again := h.states.forgotten && h.states.byName[h.states.key(name)] == nil
	h.mu.Unlock()
	if !again {
		return nil
	}
	if err := h.load(ctx, &name); err != nil {
		return h.named(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.states.byName[h.states.key(name)] == nil { // there is nothing of it
		h.states.set(&state{name: name})
	}
	return nil
}

// Tables tells a table as it was decided last, nil if it is not known or the cluster cannot be reached within Config.Wait. It is what
// envelope.ReadOptions.Tables wants. A history that is ReadOnly first reads what the topic has got since: each call is a request to
// the cluster. Safe for concurrent use.
func (h *History) Tables(database, table string) *change.Table {
	name := Name{database, table}
	ctx, cancel := context.WithTimeout(context.Background(), h.c.Wait)
	defer cancel()
	if h.c.ReadOnly {
		if err := h.refresh(ctx); err != nil {
			h.c.Log.Warn("the topic of schemas cannot be read", "topic", h.c.topic(), "error", err)
			return nil
		}
	}
	if err := h.recall(ctx, name); err != nil {
		h.c.Log.Warn("the topic of schemas cannot be read", "topic", h.c.topic(), "error", err)
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.states.get(name).latest()
}

// refresh reads what is new in the topic.
func (h *History) refresh(ctx context.Context) error {
	h.follow.Lock()
	defer h.follow.Unlock()
	if h.from == nil {
		found, err := h.keep.ensure(ctx, false)
		if err != nil || !found {
			return err
		}
		if h.from, err = h.c.reader(ctx); err != nil {
			return fmt.Errorf("reading: %w", err)
		}
	}
	err := h.from.catchUp(ctx, func(record consumer.Record) { h.apply(record, nil) })
	if err != nil { // the next one begins anew: nothing is noted twice to a different end
		h.from.close()
		h.from = nil
	}
	return err
}
