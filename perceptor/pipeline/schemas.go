package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// schemaTopic is the topic of the history of a source's tables.
func schemaTopic(c *Config) string { return c.Topics.Prefix + ".schemas" }

// schemas is what a source knows of its tables. It belongs to the goroutine that reads the source.
type schemas struct {
	p      *sourcePart
	config schema.Config
	db     *sql.DB
	// history is that of epoch; nil until it is asked.
	history *schema.History
	// at is where the source is, once it is open.
	at func() source.State
	// The transaction that is read.
	gtid string
	time int64
}

// openSchemas prepares what a source that begins at a place knows.
func openSchemas(ctx context.Context, p *sourcePart, from source.State, transport []kgo.Opt) (*schemas, error) {
	db, err := OpenSource(p.c)
	if err != nil {
		return nil, err
	}
	k := &schemas{p: p, db: db, at: func() source.State { return from }}
	start, _, err := placeOf(from.Position)
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT @@global.lower_case_table_names <> 0").Scan(&k.config.FoldNames)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.c.Source.Address, err), db.Close())
	}
	k.config.Brokers, k.config.Transport, k.config.Prefix = p.c.Brokers.Addresses, transport, p.c.Topics.Prefix
	k.config.Start, k.config.MySQL, k.config.Log = start, p.c.Source.Connector == "mysql", p.log
	k.config.Lookup = func(ctx context.Context, database, table string) (*change.Table, error) {
		return catalog.Table(ctx, db, database, table)
	}
	k.config.Created = func(ctx context.Context, database, table string) (time.Time, error) {
		return catalog.Created(ctx, db, database, table)
	}
	return k, nil
}

// placeOf is a position as a history has it. known is false of one without a file.
func placeOf(at binlog.Position) (p schema.Place, known bool, err error) {
	if at.File == "" {
		return p, false, nil
	}
	place, err := at.At()
	return schema.Place{Epoch: at.Epoch, Position: place}, err == nil, err
}

// of is the history of the epoch that the source is in.
func (k *schemas) of(ctx context.Context) (*schema.History, error) {
	epoch := k.at().Epoch
	if k.history != nil && k.config.Epoch == epoch {
		return k.history, nil
	}
	k.closeHistory()
	k.config.Epoch = epoch
	ctx, cancel := context.WithTimeout(ctx, 2*askMax)
	defer cancel()
	h, err := schema.Open(ctx, k.config)
	if err != nil {
		return nil, err
	}
	h.At(k.gtid, k.time)
	k.history = h
	return h, nil
}

// complete is source.Config.Schema.
func (k *schemas) complete(ctx context.Context, t *change.Table, at change.Position) (*change.Table, error) {
	h, err := k.of(ctx)
	if err != nil {
		return nil, err
	}
	return h.Complete(ctx, t, at)
}

// follow takes note of what the source has told.
func (k *schemas) follow(ctx context.Context, e *binlog.Event) error {
	switch e.Kind {
	case binlog.Begin:
		k.gtid, k.time = e.GTID, e.Time
		if k.history != nil {
			k.history.At(e.GTID, e.Time)
		}
	case binlog.Statement:
		at, known, err := placeOf(k.at().Position)
		if err != nil || !known {
			return err
		}
		h, err := k.of(ctx)
		if err != nil {
			return err
		}
		h.At(e.GTID, e.Time)
		return h.Statement(ctx, e.Database, e.SQL, at.Position)
	}
	return nil
}

func (k *schemas) closeHistory() {
	if k.history != nil {
		k.history.Close()
		k.history = nil
	}
}

func (k *schemas) close() {
	k.closeHistory()
	_ = k.db.Close()
}
