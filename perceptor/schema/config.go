package schema

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
)

// Config says where a history is kept, and what knows tables.
type Config struct {
	// Brokers and Transport reach the cluster.
	Brokers   []string
	Transport []kgo.Opt
	// Prefix is the first part of the topic's name, PREFIX.schemas. "skein" if it is empty.
	Prefix string

	// Epoch is that of the positions that Complete is asked about. Start is where the source begins to read: what was noted in an
	// earlier epoch behind it is told again, on another server, and is dropped. The zero Start drops nothing.
	Epoch uint32
	Start Place
	// MySQL: the source is MySQL, whose maps leave nothing open if binlog_row_metadata is FULL.
	MySQL bool
	// FoldNames: names of tables are the same in capitals and small letters (lower_case_table_names is not 0).
	FoldNames bool

	// Lookup tells a table as it is now: catalog.Table. An error that is catalog.ErrNoTable is a table that is not there any more;
	// any other ends Complete. Nil is a source without a catalog.
	Lookup func(ctx context.Context, database, table string) (*change.Table, error)
	// Created tells when a table got the form that Lookup tells: catalog.Created. What was written in the same second or before is
	// then not taken from Lookup. Nil takes what Lookup tells if it agrees with the map.
	Created func(ctx context.Context, database, table string) (time.Time, error)
	// Declared tells tables by "database.table", where nothing else knows. Where maps tell names, columns decide by their names, and
	// those that no map leaves open need not be told.
	Declared map[string]*change.Table

	// ReadOnly only reads the topic, and follows it.
	ReadOnly bool
	// Wait bounds what Tables waits for the cluster. 30 s if it is 0.
	Wait time.Duration
	Log  *slog.Logger
}

func (c *Config) fill() error {
	if len(c.Brokers) == 0 {
		return errors.New("schema: no brokers are named: the history is kept in a topic")
	}
	c.Prefix = cmp.Or(c.Prefix, "skein")
	c.Wait = cmp.Or(c.Wait, 30*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

func (c *Config) topic() string { return c.Prefix + ".schemas" }
