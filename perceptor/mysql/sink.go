package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// Sink writes changes. It implements sink.Sink.
type Sink struct {
	c  Config
	db *sql.DB
	// side is the side table's quoted name, if there is one.
	side string
	// owners keeps the generations of consumer groups, nil if nobody does.
	owners  *dedupe.SQL
	claimed claims
	// cuts is the quoted name of the table of the truncates' versions, if there is one.
	cuts       string
	truncating sink.Turns

	mu      sync.Mutex
	targets map[[2]string]*target
	// arenas keeps the memory of the batches' texts, as *[]byte.
	arenas sync.Pool
}

// arenaMax bounds the text of a batch that is kept for the next one, in bytes.
const arenaMax = 8 << 20

var (
	_ sink.Truncater = (*Sink)(nil)
	_ sink.Fenced    = (*Sink)(nil)
)

// Open connects, and with a side table makes it if it is missing.
func Open(ctx context.Context, c Config) (*Sink, error) {
	c, parsed, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(parsed)
	if err != nil {
		return nil, err
	}
	s := &Sink{c: c, db: sql.OpenDB(session{connector}), targets: make(map[[2]string]*target),
		arenas: sync.Pool{New: func() any { return new([]byte) }}}
	s.db.SetMaxIdleConns(32)
	if err := s.db.PingContext(ctx); err != nil {
		_ = s.db.Close()
		return nil, fmt.Errorf("target %s, database %s: %w", parsed.Addr, parsed.DBName, named(parsed.DBName, err))
	}
	if err := s.makeTables(ctx, parsed.DBName); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	return s, nil
}

// makeTables makes the tables of the sink's own that are configured.
func (s *Sink) makeTables(ctx context.Context, database string) error {
	quoted := func(table string) string { return string(appendName(append(appendName(nil, database), '.'), table)) }
	schemas := map[string]string{}
	if s.c.Layout == SideTable {
		s.side = quoted(s.c.Versions)
		schemas[s.c.Versions] = s.sideSchema()
	}
	if s.c.Truncates != "" {
		s.cuts = quoted(s.c.Truncates)
		schemas[s.c.Truncates] = s.cutSchema()
	}
	if s.c.Generations != "" {
		var err error
		if s.owners, err = dedupe.NewSQL(dedupe.MySQL, s.c.Generations); err != nil {
			return err
		}
		schemas[s.c.Generations] = s.owners.Schema()
	}
	for table, schema := range schemas {
		if _, err := s.db.ExecContext(ctx, schema); err != nil {
			return named(table, err)
		}
	}
	return nil
}

// Close ends the connections. Open calls of Apply fail.
func (s *Sink) Close() error { return s.db.Close() }

// Apply writes a batch; see sink.Sink. Each transaction has the rows of one table, Config.BatchRows at most.
func (s *Sink) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	return s.apply(ctx, nil, changes, outcomes)
}

func (s *Sink) apply(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []sink.Outcome) error {
	if len(changes) != len(outcomes) {
		return fmt.Errorf("%d outcomes for %d changes", len(outcomes), len(changes))
	}
	clear(outcomes)
	arena := s.arenas.Get().(*[]byte)
	b := batch{s: s, ctx: ctx, tokens: tokens, changes: changes, outcomes: outcomes, rows: make([]row, len(changes)), arena: (*arena)[:0]}
	defer func() {
		if *arena = b.arena; cap(b.arena) <= arenaMax {
			s.arenas.Put(arena)
		}
	}()
	for i, c := range changes {
		if err := b.prepare(i, c); err != nil {
			return err
		}
	}
	var f sink.Folder
	kept := f.Fold(changes, outcomes, func(dst []byte, c *change.Change) []byte {
		t := b.targets[c.Table].t
		return appendRowKey(append(append(dst, t.quoted...), 0), c.Table.Key, c.Image())
	})
	return b.writeAll(kept)
}

// target finds a table of the target, and looks at it if it is not known.
func (s *Sink) target(ctx context.Context, source *change.Table) (*target, error) {
	database, table := s.c.Target(source.Database, source.Name)
	name := [2]string{database, table}
	s.mu.Lock()
	t := s.targets[name]
	s.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := s.look(ctx, database, table)
	if err != nil {
		return nil, err
	}
	if err := s.readyCut(ctx, t); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[name] = t
	return t, nil
}

// mapped finds where and how the rows of a source's table are written.
func (s *Sink) mapped(ctx context.Context, source *change.Table) (mapped, error) {
	for look := 0; ; look++ {
		t, err := s.target(ctx, source)
		if err != nil {
			return mapped{}, err
		}
		s.mu.Lock()
		m := s.mapping(t, source)
		s.mu.Unlock()
		if m.err == nil || look == 1 {
			return mapped{t, m}, nil
		}
		s.forget(t) // the column may have been added since
	}
}

// forget looks at a table anew the next time.
func (s *Sink) forget(t *target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.targets, [2]string{t.database, t.name})
}

func (s *Sink) query(ctx context.Context, statement string, each func(*sql.Rows) error) error {
	rows, err := s.db.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// pause waits before the next try, longer each time, and not as long as others that wait too.
func pause(ctx context.Context, try int) error {
	wait := time.Duration(1+rand.IntN(1<<min(try, 7))) * time.Millisecond
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
