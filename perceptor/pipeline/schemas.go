package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// schemaTopic is the topic of the history of a source's tables.
func schemaTopic(c *Config) string { return c.Topics.Prefix + ".schemas" }

// schemas is the history of a source's tables, and the connection to its catalog.
type schemas struct {
	*schema.History
	db *sql.DB
}

// openSchemas opens the history for a source that begins at a place.
func openSchemas(ctx context.Context, p *sourcePart, from source.State, transport []kgo.Opt) (*schemas, error) {
	db, err := OpenSource(p.c)
	if err != nil {
		return nil, err
	}
	k := &schemas{db: db}
	c := schema.Config{Brokers: p.c.Brokers.Addresses, Transport: transport, Prefix: p.c.Topics.Prefix, Epoch: from.Epoch, MySQL: p.c.Source.Connector == "mysql", Log: p.log}
	c.Lookup = func(ctx context.Context, database, table string) (*change.Table, error) {
		return catalog.Table(ctx, db, database, table)
	}
	c.Created = func(ctx context.Context, database, table string) (time.Time, error) {
		return catalog.Created(ctx, db, database, table)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askMax)
	defer cancel()
	err = db.QueryRowContext(ctx, "SELECT @@global.lower_case_table_names <> 0").Scan(&c.FoldNames)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.c.Source.Address, err)
	}
	if err == nil && from.File != "" {
		c.Start.Epoch = from.Epoch
		c.Start.Position, err = from.At()
	}
	if err == nil {
		k.History, err = schema.Open(ctx, c)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return k, nil
}

func (k *schemas) close() {
	k.History.Close()
	_ = k.db.Close()
}
