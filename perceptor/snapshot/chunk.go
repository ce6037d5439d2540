package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
)

// chunk is one chunk that is being read.
type chunk struct {
	scan  *Scan
	plan  *Plan
	name  string
	limit int

	rows, bytes int
	batch       *Batch
	size        int
	reader      rowReader
	last        []string
}

var errData = errors.New("what the server sends is no row of the table")

// read gives out the rows behind last. end: there are no more.
func (c *chunk) read(ctx context.Context, last []string) (end bool, err error) {
	sql, err := c.plan.query(last, c.limit)
	if err != nil {
		return false, err
	}
	rows, err := c.scan.view.conn.Select(ctx, sql)
	if err != nil {
		return false, err
	}
	if err := c.plan.expect(rows.Columns); err != nil {
		return false, err
	}
	c.reader = newRowReader(c.plan, c.scan.view, &c.scan.memory)
	c.batch = c.newBatch()
	for {
		b, err := rows.Next()
		if err != nil {
			// What was read is true, and need not be read again.
			if len(c.batch.Changes) > 0 {
				if gave := c.flush(ctx, false); gave != nil {
					return false, gave
				}
			}
			return false, err
		}
		if b == nil {
			end = c.rows < c.limit
			c.batch.ChunkEnd, c.batch.TableEnd = true, end
			return end, c.flush(ctx, true)
		}
		row, err := c.reader.read(b)
		if err != nil {
			return false, fmt.Errorf("%w: %w", errData, err)
		}
		c.batch.Changes = append(c.batch.Changes, row)
		c.rows++
		c.bytes += len(b)
		c.size += len(b)
		if len(c.batch.Changes) >= batchRowsMax || c.size >= batchBytesMax {
			if err := c.flush(ctx, false); err != nil {
				return false, err
			}
		}
	}
}

// newBatch makes room for as many rows as the last batch had, or as a chunk can have.
func (c *chunk) newBatch() *Batch {
	room := min(batchRowsMax, c.limit)
	if c.batch != nil {
		room = len(c.batch.Changes)
	}
	return &Batch{Table: c.name, Changes: make([]*change.Change, 0, room)}
}

// flush gives out the batch.
func (c *chunk) flush(ctx context.Context, ending bool) error {
	if n := len(c.batch.Changes); n > 0 {
		c.last = c.kept(c.batch.Changes[n-1].After)
		c.batch.Last = c.last
	}
	b := c.batch
	if !ending {
		c.batch = c.newBatch()
	}
	c.size = 0
	return c.scan.give(ctx, b)
}

// kept is the key of a row as it is kept. It is that of the row that was read last.
func (c *chunk) kept(row change.Row) []string {
	last := make([]string, len(c.reader.key))
	for i, k := range c.plan.Table.Key {
		last[i] = string(appendKept(nil, &c.plan.Table.Columns[k], row[k], c.reader.key[i]))
	}
	return last
}
