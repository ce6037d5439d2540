package perceptor

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
)

// Untold is a table of which a statement has taken rows, or put others in their place, and no record tells which.
type Untold struct {
	// Loss is the table, and what became of it. Its Table is empty if it is a whole database.
	schema.Loss
	// SQL is the statement, Version says when and where it was.
	SQL     string
	Version change.Version
	File    string // of the binlog, its whole name
}

// lose tells that a statement takes rows of a table: with a truncate in the table's topic, or to FeedConfig.Untold.
func (f *feed) lose(ctx context.Context, e *binlog.Event, l schema.Loss, v change.Version, o change.Origin) error {
	written := map[schema.LossKind]func(database, table string) bool{schema.Truncated: f.cfg.Truncates, schema.Dropped: f.cfg.Drops}[l.Kind]
	if written == nil || l.Table == "" || !written(l.Database, l.Table) {
		if f.cfg.Untold != nil {
			f.cfg.Untold(Untold{Loss: l, SQL: e.SQL, Version: v, File: o.File})
		}
		return nil
	}
	table := &change.Table{Database: l.Database, Name: l.Table}
	if l.Kind == schema.Dropped {
		// Without a topic nothing was ever written of the table: there is nothing to take, and perhaps nobody who would know it.
		there, err := f.exists(ctx, f.cfg.Encode.Prefix+"."+table.String())
		if err != nil || !there {
			return err
		}
	}
	if v.Position.Row > 0 {
		// Within a transaction only its beginning is known, where rows of a snapshot may have been read, and were counted as rows of that
		// place. Behind that place and in front of the transaction's rows there is room for the truncate.
		v.Position.Offset++
	}
	return f.truncate(ctx, &change.Change{Op: change.Truncate, Table: table, Version: v, Origin: o})
}

// truncate writes a truncate to each partition of the table's topic, so that in each of them it stands behind the rows that it takes and in
// front of those that follow. All have one version: who applies them needs only one.
func (f *feed) truncate(ctx context.Context, c *change.Change) error {
	t, err := f.topicNamed(ctx, f.cfg.Encode.Prefix+"."+c.Table.String(), f.cfg.Partitions)
	if err != nil {
		return err
	}
	for partition := range int32(t.n) {
		if c.Version.Compare(t.ends[partition]) <= 0 {
			f.cfg.Counts.again.Add(1)
			continue
		}
		p := f.sent.open()
		if f.encoded, err = p.encoder.Encode(f.encoded[:0], c, time.Now().UnixMilli()); err != nil {
			return fmt.Errorf("perceptor: source %s: truncate %s: %w", f.cfg.Name, c.Version, err)
		}
		f.produce(ctx, p, t, partition, &f.encoded[0], c.Version)
	}
	f.cfg.Counts.changes.Add(1)
	return nil
}
