package source

import "sync/atomic"

// Counts counts what a Source does. The zero Counts is ready. Safe for concurrent use.
type Counts struct {
	changes, read, again, chunks, views atomic.Uint64
}

// Changes is how many changes the binlog told.
func (c *Counts) Changes() uint64 { return c.changes.Load() }

// Read is how many rows of snapshots were read.
func (c *Counts) Read() uint64 { return c.read.Load() }

// Again is how many of them the binlog had told before, since the source was opened.
func (c *Counts) Again() uint64 { return c.again.Load() }

// Chunks is how many chunks of snapshots were read to their end.
func (c *Counts) Chunks() uint64 { return c.chunks.Load() }

// Views is how many views of the database they were read in.
func (c *Counts) Views() uint64 { return c.views.Load() }
