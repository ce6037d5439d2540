package perceptor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// statementPlace gives each statement a place of its own: behind it, and within a transaction, of which only the beginning is known,
// one of the row numbers there.
type statementPlace struct {
	inside bool
	row    uint32
}

// of is the place of an event, if it is a statement, and the position behind it.
func (s *statementPlace) of(e *binlog.Event, state func() source.State) (at change.Position, behind binlog.Position, err error) {
	switch e.Kind {
	case binlog.Begin:
		s.inside, s.row = true, 0
	case binlog.Commit:
		s.inside = false
	case binlog.Statement:
		behind = state().Position
		if at, err = behind.At(); err == nil && s.inside {
			s.row++
			at.Row = s.row
		}
	}
	return at, behind, err
}

var schemaOps = [...]envelope.SchemaOp{
	schema.CreateTable: envelope.SchemaCreate, schema.AlterTable: envelope.SchemaAlter, schema.DropTable: envelope.SchemaDrop, schema.RenameTable: envelope.SchemaRename,
	schema.TruncateTable: envelope.SchemaTruncate, schema.CreateIndex: envelope.SchemaIndex, schema.DropIndex: envelope.SchemaDropIndex,
	schema.CreateDatabase: envelope.SchemaCreate, schema.AlterDatabase: envelope.SchemaAlter, schema.DropDatabase: envelope.SchemaDrop,
}

// statement tells what a statement says: to the topics of tables whose rows it takes, to FeedConfig.Untold, and to the topic of statements.
func (f *feed) statement(ctx context.Context, e *binlog.Event, state func() source.State) error {
	if e.Kind == binlog.Row {
		return nil
	}
	at, behind, err := f.place.of(e, state)
	if e.Kind != binlog.Statement {
		return nil
	}
	losses := schema.Losses(e.Database, e.SQL)
	kind, names := schema.NoDDL, []schema.Name(nil)
	if f.cfg.DDL != nil {
		kind, names = schema.ParseDDL(e.Database, e.SQL)
	}
	if len(losses)+len(names) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("perceptor: source %s: the statement %.200q: %w", f.cfg.Name, e.SQL, err)
	}
	version := change.Version{Epoch: behind.Epoch, ExecuteTime: behind.Clock, Position: at}
	origin := change.Origin{File: behind.File, GTID: e.GTID, EventTime: e.Time}
	for _, l := range losses {
		if err := f.lose(ctx, e, l, version, origin); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(names, func(n schema.Name) bool { return f.cfg.DDL(n.Database, n.Table) }) {
		return nil
	}
	t, err := f.topicNamed(ctx, f.cfg.Encode.Prefix, 1)
	if err == nil && t.n != 1 {
		err = fmt.Errorf("perceptor: source %s: topic %s has %d partitions; it must have one, so that statements are in order", f.cfg.Name, t.name, t.n)
	}
	if err != nil {
		return err
	}
	if version.Compare(t.ends[0]) <= 0 { // the tables need not be looked up
		f.cfg.Counts.again.Add(1)
		return nil
	}
	s := &envelope.Statement{Op: schemaOps[kind], SQL: e.SQL, Version: version, Origin: origin, Changes: f.tableChanges(ctx, kind, names)}
	s.Database, s.Table = names[0].Database, names[0].Table
	if len(names) > 1 && kind == schema.RenameTable {
		s.Database, s.Table = names[1].Database, names[1].Table
	}
	p := f.sent.open()
	if f.encoded, err = p.encoder.EncodeStatement(f.encoded[:0], s, time.Now().UnixMilli()); err != nil {
		return fmt.Errorf("perceptor: source %s: statement %s: %w", f.cfg.Name, version, err)
	}
	f.send(ctx, p, t, version)
	return nil
}

// tableChanges are the tables that a statement changes, as they are now.
func (f *feed) tableChanges(ctx context.Context, kind schema.Kind, names []schema.Name) (all []envelope.TableChange) {
	switch kind {
	case schema.CreateDatabase, schema.AlterDatabase, schema.DropDatabase, schema.TruncateTable, schema.CreateIndex, schema.DropIndex:
		return nil
	}
	for i, n := range names {
		c := envelope.TableChange{Op: envelope.SchemaAlter, Database: n.Database, Table: n.Table}
		switch {
		case kind == schema.RenameTable && i%2 == 0:
			continue // its new name follows
		case kind == schema.CreateTable:
			c.Op = envelope.SchemaCreate
		case kind == schema.DropTable:
			c.Op = envelope.SchemaDrop
		}
		if c.Op != envelope.SchemaDrop && f.cfg.Lookup != nil {
			if t, err := f.cfg.Lookup(ctx, n.Database, n.Table); err == nil {
				c.After = t
			}
		}
		all = append(all, c)
	}
	return all
}
