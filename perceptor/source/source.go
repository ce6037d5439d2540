package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// Source reads a server's changes. It is for one goroutine; Close and Add may be called by any. Close ends a Next that waits.
type Source struct {
	config Config
	ctx    context.Context // done when the source is closed
	cancel context.CancelFunc
	db     *sql.DB

	// reader is nil while there is none: at is where it was then.
	reader   *binlog.Reader
	at       binlog.Position
	gtid     bool // the next reader goes on by GTID
	progress *snapshot.Progress
	// inside: a transaction of the stream is told in part.
	inside bool
	told   told
	// retry is of views, and reopen of readers. late counts views that were reached late.
	retry, reopen retry
	late          int
	changed       int // views in a row that ended without a row
	keysChecked   bool

	// left are the tables whose snapshot is not done. relist: it may be that there are others.
	left     [][2]string
	isLeft   map[string]bool
	relist   bool
	listedAt time.Time
	view     *view
	names    map[*change.Table]string

	mu    sync.Mutex
	added map[string]bool
	// grown: something was added, and nobody has looked yet.
	grown bool
}

// Open connects and begins at from, or anew if found is false. What is wrong is said at once.
//
// Where the server at the address is another one than from is of, it goes on by GTID in a new epoch: what was written after from is told
// again, and is newer. ErrResnapshot is what only Config.Resnapshot helps of.
func Open(ctx context.Context, cfg Config, from State, found bool) (*Source, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if cfg.Resnapshot && found {
		cfg.Log.Warn("the source begins anew: rows that were deleted meanwhile are not told; find them with: skein sync verify --repair",
			"server", cfg.Binlog.Addr, "position", from.Position.String(), "epoch", from.Epoch+1)
		from, found = State{Position: binlog.Position{Epoch: from.Epoch + 1}}, false
	}
	from.Epoch = max(from.Epoch, 1)
	s := &Source{config: cfg, progress: from.Snapshot, relist: cfg.Snapshot != Never}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.db, err = snapshot.Database(cfg.Binlog); err != nil {
		return nil, err
	}
	if err := s.open(ctx, from, found); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Source) open(ctx context.Context, from State, found bool) error {
	s.forgetUnwanted()
	if !found {
		return s.begin(ctx, from.Epoch)
	}
	s.at = from.Position
	s.gtid = s.config.Binlog.GTID || from.File == "" && from.GTID != ""
	return s.connect(ctx)
}

// begin begins where the server is now, with the first view if there is to be one.
func (s *Source) begin(ctx context.Context, epoch uint32) error {
	if s.config.Snapshot == Never {
		b := s.config.Binlog
		b.Epoch = epoch
		at, err := binlog.Current(ctx, b)
		if err != nil {
			return fmt.Errorf("source: %w", err)
		}
		s.at = at
		return s.connect(ctx)
	}
	v, err := snapshot.Open(ctx, s.config.Binlog)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	s.at = v.At
	s.at.Epoch = epoch
	if err := s.connect(ctx); err != nil {
		return errors.Join(err, v.Close())
	}
	s.config.Log.Info("the stream begins at the first view", "position", s.at.String(), "epoch", epoch)
	return s.use(ctx, v)
}

// wants is Config.Tables, and what was added.
func (s *Source) wants(database, table string) bool {
	if systemDatabases[database] && s.config.Tables == nil {
		return false
	}
	if s.config.Tables == nil || s.config.Tables(database, table) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.added[database+"."+table]
}

// systemDatabases are the server's own.
var systemDatabases = map[string]bool{"mysql": true, "information_schema": true, "performance_schema": true, "sys": true}

// forgetUnwanted drops what is known of tables that are not wanted: their changes are not told, so what was read of them is old when they are
// wanted again.
func (s *Source) forgetUnwanted() {
	for name := range s.progress.Tables() {
		database, table := split(name)
		if !s.wants(database, table) {
			s.progress = s.progress.Without(name)
		}
	}
}

// Add lets more tables be wanted, by database.table. Their rows are read while the stream goes on. What was added is forgotten with the
// Source: Config.Tables has to know it the next time.
func (s *Source) Add(tables ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.added == nil {
		s.added = map[string]bool{}
	}
	for _, t := range tables {
		s.added[t] = true
	}
	s.grown = true
}

// grow takes note of what was added. It is called between two transactions.
func (s *Source) grow() {
	s.mu.Lock()
	grown := s.grown
	s.grown = false
	s.mu.Unlock()
	if grown {
		s.reader.Forget()
		s.relist, s.listedAt = s.config.Snapshot != Never, time.Time{}
	}
}

// Next returns what is next, and waits for it. Rows of snapshots come as change.Read between a Begin and a Commit. It is io.EOF when
// Config.Snapshot is Only and all is read. After an error Next may be called again.
func (s *Source) Next(ctx context.Context) (binlog.Event, error) {
	if c := s.nextRow(); c != nil { // most of what a snapshot tells
		return binlog.Event{Kind: binlog.Row, Change: c, Time: s.view.clock}, nil
	}
	for {
		e, told, err := s.step(ctx)
		switch {
		case err != nil && s.ctx.Err() != nil:
			return binlog.Event{}, binlog.ErrClosed
		case err != nil && ctx.Err() != nil:
			return binlog.Event{}, context.Cause(ctx)
		case err != nil:
			return binlog.Event{}, err
		case told:
			return e, nil
		}
	}
}

// untilClosed is ctx, which ends with the source, too. It is for what takes a while.
func (s *Source) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	undo := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { undo(); cancel() }
}

// step does the next thing. told is false if there is nothing to tell of it.
func (s *Source) step(ctx context.Context) (e binlog.Event, told bool, err error) {
	if s.reader == nil {
		return e, false, s.reconnect(ctx)
	}
	if s.view != nil && s.view.reached {
		return s.fromView(ctx)
	}
	if s.view == nil && !s.inside {
		s.grow()
		if begun, err := s.nextView(ctx); begun || err != nil {
			return e, false, err
		}
	}
	if e, err = s.reader.Next(ctx); err != nil {
		return e, false, s.failed(ctx, err)
	}
	switch e.Kind {
	case binlog.Marked:
		s.viewReached()
		return e, false, nil
	case binlog.Begin:
		s.inside = true
	case binlog.Commit:
		s.inside = false
	case binlog.Statement:
		s.relist = s.config.Snapshot != Never // it may have made a table
		s.dropped(&e)
	case binlog.Row:
		return e, true, s.row(e.Change)
	}
	return e, true, nil
}

func (s *Source) row(c *change.Change) error {
	if len(c.Table.Key) == 0 {
		return fmt.Errorf("source: %w: table %s has no primary key: add one, declare the columns that tell its rows apart (they need a unique index), or leave the table out",
			snapshot.ErrNoKey, c.Table)
	}
	s.config.Counts.changes.Add(1)
	if len(s.left) == 0 {
		return nil
	}
	name, known := s.names[c.Table]
	if !known {
		if len(s.names) >= namesMax || s.names == nil {
			s.names = map[*change.Table]string{}
		}
		name = c.Table.String()
		s.names[c.Table] = name
	}
	if s.isLeft[name] {
		s.told.add(name, c)
	}
	return nil
}

// namesMax bounds the names that are kept: tables that were altered leave theirs behind.
const namesMax = 10_000

// State is behind the last Commit, Statement or Heartbeat that Next has returned. A Source that is opened there goes on with what
// follows.
func (s *Source) State() State {
	if s.reader == nil {
		return State{Position: s.at, Snapshot: s.progress}
	}
	return State{Position: s.reader.Position(), Snapshot: s.progress}
}

// Close ends the connections.
func (s *Source) Close() error {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader != nil {
		_ = s.reader.Close()
	}
	return s.db.Close()
}
