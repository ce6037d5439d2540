package hbase

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// Swept counts what Sweep did.
type Swept struct {
	// Removed tombstones, those that are Kept because they are too young, and those that Changed while they were looked at.
	Removed, Kept, Changed int
}

// Sweep removes the tombstones of a source table ("database.table") that are older than age, by the time at which they were
// written. An older change that comes after its row's tombstone was removed brings the row back, so age has to be longer
// than any change can be late: longer than the topic is kept, if it may be read again from its start.
//
// A put that comes at the same time is safe: a tombstone is removed only if it is still the one that was found.
func (s *Sink) Sweep(ctx context.Context, source string, age time.Duration) (Swept, error) {
	t := s.tables[source]
	if t == nil {
		return Swept{}, fmt.Errorf("%s: no HBase table is configured for it", source)
	}
	if age < SweepAgeMin {
		return Swept{}, fmt.Errorf("tombstones of an age of %v would be removed; at least %v is needed", age, SweepAgeMin)
	}
	return s.sweep(ctx, t, s.now().Add(-age))
}

const sweepBatch = 200

func (s *Sink) sweep(ctx context.Context, t *Table, before time.Time) (swept Swept, err error) {
	var ops []client.Op
	flush := func() error {
		if err := s.client.Batch(ctx, t.Name, ops); err != nil {
			return err
		}
		for i := range ops {
			switch {
			case ops[i].Err != nil:
				return fmt.Errorf("row %q of %q: %w", ops[i].Row, t.Name, ops[i].Err)
			case ops[i].Done[0]:
				swept.Removed++
			default:
				swept.Changed++
			}
		}
		ops = ops[:0]
		return nil
	}
	tombstones := client.Scan{
		Columns: client.Columns{{Family: updateInfo}},
		Filter:  &client.ColumnIs{Family: updateInfo, Qualifier: columnDeleted, Compare: client.Equal, Value: []byte{1}},
	}
	for row, err := range s.client.Rows(ctx, t.Name, tombstones) {
		if err != nil {
			return swept, err
		}
		found, err := readStored(&row)
		if err != nil {
			return swept, fmt.Errorf("row %q of %q: %w", row.Key, t.Name, err)
		}
		if !found.deleted || found.latest >= uint64(max(before.UnixMilli(), 0)) {
			swept.Kept++
			continue
		}
		var cells []client.Cell
		for _, c := range row.Cells {
			if reserved[string(c.Qualifier)] {
				cells = append(cells, client.Cell{Family: c.Family, Qualifier: c.Qualifier, Timestamp: c.Timestamp})
			}
		}
		ops = append(ops, client.Op{Row: row.Key, Steps: []client.Step{{
			Condition: unchanged(found.packed), Mutations: []client.Mutation{{Delete: true, Cells: cells}},
		}}})
		if len(ops) == sweepBatch {
			if err := flush(); err != nil {
				return swept, err
			}
		}
	}
	return swept, flush()
}
