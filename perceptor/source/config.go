package source

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// Mode says which rows are read beside the binlog.
type Mode uint8

const (
	// Initial: those of all tables that are wanted and have no snapshot yet, also of such that appear later.
	Initial Mode = iota
	// Never: none. The stream begins where the binlog ends at the moment.
	Never
	// Only: as Initial, and Next returns io.EOF when all are read.
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
	// Binlog is the server. Start, Epoch, Tables, Schema and Keys are set by the source.
	Binlog binlog.Config
	// Tables says which tables are wanted; all but the server's own are if it is nil. It must answer the same for as long as the Source is
	// open; see Source.Add. A table that is not wanted for a while has a new snapshot when it is again.
	Tables   func(database, table string) bool
	Snapshot Mode
	// Resnapshot begins anew, in a new epoch, whatever State there is: with snapshots of all tables, as Snapshot says. What was deleted
	// meanwhile is not told. It is what somebody wishes once, after ErrPurged or ErrPosition.
	Resnapshot bool
	// ChunkRows is how many rows a step of a snapshot has: after each the State is further. 10,000 if it is 0. Of large rows it has fewer.
	ChunkRows int
	// ViewMax is for how long rows of snapshots are read before the stream goes on, where the server lets that be chosen (MariaDB). The
	// server keeps old rows for as long. 5 seconds if it is 0.
	ViewMax time.Duration
	// Schema completes what the binlog tells of a table, see binlog.Config.Schema. It may be nil.
	Schema func(ctx context.Context, t *change.Table, at change.Position) (*change.Table, error)
	// Keys declares the columns of the key of tables that have no primary key, by database.table. The columns must be NOT NULL, and have a
	// unique index.
	Keys map[string][]string
	// LagMax is how long a server that the source goes on at after a failover may lack what was read before it is ErrResnapshot: a replica
	// that lags gets it. 5 minutes if it is 0.
	LagMax time.Duration
	// Waiting is told why the source waits for such a server, each second. It must not block. It may be nil.
	Waiting func(err error)
	// Log is where what happens is told. Nil: nowhere.
	Log *slog.Logger
	// Counts may be nil.
	Counts *Counts
}

func (c *Config) fill() error {
	if c.Snapshot > Only {
		return fmt.Errorf("source: there is no snapshot %s", c.Snapshot)
	}
	if c.ChunkRows < 0 || c.ViewMax < 0 || c.LagMax < 0 {
		return fmt.Errorf("source: ChunkRows %d, ViewMax %v, LagMax %v: negative", c.ChunkRows, c.ViewMax, c.LagMax)
	}
	if c.ChunkRows == 0 {
		c.ChunkRows = 10_000
	}
	if c.ViewMax == 0 {
		c.ViewMax = 5 * time.Second
	}
	if c.LagMax == 0 {
		c.LagMax = 5 * time.Minute
	}
	if c.Waiting == nil {
		c.Waiting = func(error) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Counts == nil {
		c.Counts = &Counts{}
	}
	return nil
}
