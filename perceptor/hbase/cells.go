package hbase

import (
	"bytes"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// Cells are what Sink.Apply puts for a change where nothing is: the row's key, and its cells without timestamps, which the
// server gives. It is for those who show or check what is stored.
func (t Table) Cells(c *change.Change) (row []byte, cells []client.Cell, err error) {
	if err := t.check(c.Table.String()); err != nil {
		return nil, nil, err
	}
	if err := c.Check(); err != nil {
		return nil, nil, err
	}
	if c.Op == change.Truncate {
		return nil, nil, fmt.Errorf("%s: a truncate has no row", c.Table)
	}
	p, err := newPlan(c.Table, &t)
	if err != nil {
		return nil, nil, err
	}
	var memory arena.Arena
	if row, err = p.rowKey(c, &memory); err != nil {
		return nil, nil, err
	}
	if c.Op != change.Delete {
		if cells, _, err = p.data(c.After, &memory); err != nil {
			return nil, nil, err
		}
	}
	return row, appendGuard(cells, c.Version, c.Op == change.Delete), nil
}

// Newer reports whether HBase lets a put through whose update_info:version is put over one that is stored: it compares the bytes.
// Over a tombstone, whose first byte is 255, it lets none through, so the sink looks at the row first.
func Newer(put, stored []byte) bool { return bytes.Compare(put, stored) > 0 }
