package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// Source reads a server's changes. It is for one goroutine; Close may be called by any, and ends a Next that waits.
type Source struct {
	config   Config
	reader   *binlog.Reader
	progress *snapshot.Progress
}

// errNoSnapshot: the reading of snapshots is not part of this package yet.
var errNoSnapshot = errors.New("source: snapshots are not read yet: use the mode Never")

// Open connects and finds where to go on: at from, or, if found is false, where the server's binlog ends.
func Open(ctx context.Context, cfg Config, from State, found bool) (*Source, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if cfg.Snapshot != Never {
		return nil, errNoSnapshot
	}
	b := cfg.Binlog
	b.Tables, b.Schema = cfg.wants, cfg.Schema
	b.Epoch = max(from.Epoch, 1)
	if !found {
		at, err := binlog.Current(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		from = State{Position: at}
	}
	b.Start = from.Position
	reader, err := binlog.Open(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	return &Source{config: cfg, reader: reader, progress: from.Snapshot}, nil
}

// Next returns what is next, and waits for it. Rows of snapshots come as change.Read between a Begin and a Commit. After an error Next
// may be called again.
func (s *Source) Next(ctx context.Context) (binlog.Event, error) {
	e, err := s.reader.Next(ctx)
	if err == nil && e.Kind == binlog.Row {
		s.config.Counts.changes.Add(1)
	}
	return e, err
}

// State is behind the last Commit, Statement or Heartbeat that Next has returned. A Source that is opened there goes on with what
// follows.
func (s *Source) State() State { return State{Position: s.reader.Position(), Snapshot: s.progress} }

// Close ends the connections.
func (s *Source) Close() error { return s.reader.Close() }
