package source

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Counts counts what a Source does. The zero Counts is ready. Safe for concurrent use.
type Counts struct {
	changes, read, again, chunks, views, passed, epochs atomic.Uint64

	mu     sync.Mutex
	tables map[string]TableCount
}

// TableCount is how far the snapshot of a table is.
type TableCount struct {
	// Rows were read, in this and earlier runs; Estimated is what the server takes the table to have.
	Rows, Estimated uint64
	Done            bool
}

// Changes is how many changes the binlog told.
func (c *Counts) Changes() uint64 { return c.changes.Load() }

// Read is how many rows of snapshots were told.
func (c *Counts) Read() uint64 { return c.read.Load() }

// Again is how many rows of snapshots were not told because the binlog had told the same since the Source was opened.
func (c *Counts) Again() uint64 { return c.again.Load() }

// Chunks is how many chunks of snapshots were read to their end.
func (c *Counts) Chunks() uint64 { return c.chunks.Load() }

// Views is how many views of the database they were read in.
func (c *Counts) Views() uint64 { return c.views.Load() }

// Passed is how many views were given up because the stream was further already.
func (c *Counts) Passed() uint64 { return c.passed.Load() }

// Failovers is how often the source went on at another server.
func (c *Counts) Failovers() uint64 { return c.epochs.Load() }

// Tables tells how far snapshots are that were not done when the Source was opened, by database.table.
func (c *Counts) Tables() map[string]TableCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.tables)
}

func (c *Counts) table(name string, change func(*TableCount)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables == nil {
		c.tables = map[string]TableCount{}
	}
	t := c.tables[name]
	change(&t)
	c.tables[name] = t
}
