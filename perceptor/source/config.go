package source

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// Mode says which rows are read beside the binlog.
type Mode uint8

const (
	// Initial: those of all tables that are wanted and have no snapshot yet.
	Initial Mode = iota
	// Never: none. The stream begins where the binlog ends at the moment.
	Never
	// Only: as Initial, and the source is at its end (io.EOF) when all are read.
	Only
)

func (m Mode) String() string {
	switch m {
	case Initial:
		return "initial"
	case Never:
		return "never"
	case Only:
		return "only"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Config says what is read.
type Config struct {
	// Binlog is the server. Start, Epoch, Tables and Schema are set by the source.
	Binlog binlog.Config
	// Tables says which tables are wanted; all but the server's own are if it is nil.
	Tables   func(database, table string) bool
	Snapshot Mode
	// ChunkRows is how many rows a step of a snapshot has: after each the State is further. 10,000 if it is 0.
	ChunkRows int
	// Schema completes what the binlog tells of a table, see binlog.Config.Schema. It may be nil.
	Schema func(ctx context.Context, t *change.Table, at change.Position) (*change.Table, error)
	// Keys declares the columns of the key of tables that have no primary key, by database.table. The columns must be NOT NULL, and have a
	// unique index.
	Keys map[string][]string
	// Log is where what happens is told. Nil: nowhere.
	Log *slog.Logger
	// Counts may be nil.
	Counts *Counts
}

func (c *Config) fill() error {
	if c.Snapshot > Only {
		return fmt.Errorf("source: there is no snapshot %s", c.Snapshot)
	}
	if c.ChunkRows < 0 {
		return fmt.Errorf("source: ChunkRows is %d: negative", c.ChunkRows)
	}
	if c.ChunkRows == 0 {
		c.ChunkRows = 10_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Counts == nil {
		c.Counts = &Counts{}
	}
	return nil
}

// systemDatabases are the server's own.
var systemDatabases = map[string]bool{"mysql": true, "information_schema": true, "performance_schema": true, "sys": true}

func (c *Config) wants(database, table string) bool {
	if c.Tables == nil {
		return !systemDatabases[database]
	}
	return c.Tables(database, table)
}
