package perceptor

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/schema"
)

// Follow gives a history of tables the statements of a source, as they are read. History.Complete must be what the same source asks for
// its tables: it needs them. A statement that cannot be kept is the error of Next, and is tried again when Next is called again.
func Follow(from Changes, h *schema.History) Changes { return &followed{Changes: from, history: h} }

type followed struct {
	Changes
	history *schema.History
	place   statementPlace
	// pending was read, and is not kept yet.
	pending *binlog.Event
}

func (f *followed) Next(ctx context.Context) (binlog.Event, error) {
	if f.pending == nil {
		e, err := f.Changes.Next(ctx)
		if err != nil || e.Kind == binlog.Row || e.Kind == binlog.Heartbeat {
			return e, err
		}
		f.pending = &e
	}
	e := *f.pending
	if e.Kind == binlog.Begin || e.Kind == binlog.Statement {
		f.history.At(e.GTID, e.Time)
	}
	place := f.place
	at, _, err := place.of(&e, f.State)
	if err == nil && e.Kind == binlog.Statement {
		err = f.history.Statement(ctx, e.Database, e.SQL, at)
	}
	if err != nil {
		return binlog.Event{}, fmt.Errorf("perceptor: the statement %.200q: %w", e.SQL, err)
	}
	f.place, f.pending = place, nil
	return e, nil
}
