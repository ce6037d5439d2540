package perceptor

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// Follower keeps a history of tables in step with the source that reads them: it is told statements, tables of snapshots, and when the
// source goes on in another epoch. Follow makes one; Complete is for source.Config.Schema, and what Changes returns is for Feed. All is
// for the one goroutine that reads the source.
type Follower struct {
	history *schema.History
	from    Changes
	// epoch is that of the history, and reached the place that Changes.State has told last.
	epoch   uint32
	reached schema.Place
	place   statementPlace
	// pending was read, and is not kept yet.
	pending *binlog.Event
	// learned is the table of a snapshot's row that was told last.
	learned *change.Table
}

// Follow makes a Follower of a history that is not ReadOnly. The caller closes the history.
func Follow(h *schema.History) *Follower { return &Follower{history: h, epoch: h.Epoch()} }

// Complete is schema.History.Complete, in the epoch that the source is in.
func (f *Follower) Complete(ctx context.Context, m *change.Table, at change.Position) (*change.Table, error) {
	f.enter()
	return f.history.Complete(ctx, m, at)
}

// Changes are those of a source whose tables Complete completes, each told to the history before it is returned. A statement that cannot be kept
// is the error of Next, and is tried again when Next is called again.
func (f *Follower) Changes(from Changes) Changes {
	f.from = from
	return &followed{from, f}
}

// enter takes note of the epoch that the source is in.
func (f *Follower) enter() {
	if f.from == nil {
		return
	}
	if epoch := f.from.State().Epoch; epoch != f.epoch {
		f.history.Enter(epoch, f.reached)
		f.epoch = epoch
	}
}

// follow tells the history what an event says of tables.
func (f *Follower) follow(ctx context.Context, e *binlog.Event) error {
	switch e.Kind {
	case binlog.Heartbeat:
		return nil
	case binlog.Row:
		if e.Change.Op != change.Read || e.Change.Table == f.learned {
			return nil
		}
		f.enter()
		if err := f.history.Learn(ctx, e.Change.Table, e.Change.Version.Position); err != nil {
			return fmt.Errorf("perceptor: table %s: %w", e.Change.Table, err)
		}
		f.learned = e.Change.Table
		return nil
	case binlog.Begin, binlog.Statement:
		f.history.At(e.GTID, e.Time)
	}
	place := f.place
	at, _, err := place.of(e, f.from.State)
	if err == nil && e.Kind == binlog.Statement {
		f.enter()
		err = f.history.Statement(ctx, e.Database, e.SQL, at)
	}
	if err != nil {
		return fmt.Errorf("perceptor: the statement %.200q: %w", e.SQL, err)
	}
	f.place = place
	return nil
}

// followed is a source that is followed.
type followed struct {
	Changes
	follower *Follower
}

// Next implements Changes.
func (f *followed) Next(ctx context.Context) (e binlog.Event, err error) {
	if again := f.follower.pending; again != nil {
		e = *again
	} else if e, err = f.Changes.Next(ctx); err != nil {
		return e, err
	}
	if err := f.follower.follow(ctx, &e); err != nil {
		again := e
		f.follower.pending = &again
		return binlog.Event{}, err
	}
	f.follower.pending = nil
	return e, nil
}

// State implements Changes.
func (f *followed) State() source.State {
	s := f.Changes.State()
	if at, err := s.At(); err == nil && s.Epoch == f.follower.epoch {
		f.follower.reached = schema.Place{Epoch: s.Epoch, Position: at}
	}
	return s
}
