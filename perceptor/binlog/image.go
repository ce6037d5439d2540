package binlog

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/rows"
	"github.com/skein-io/skein/perceptor/change"
)

// image is the rows event that is being told.
type image struct {
	reader *rows.Reader
	action event.Action
	header event.Header
	time   int64 // the execute time
	// row counts the changes of the event.
	row uint32
	// second is the other half of a change of a primary key.
	second *change.Change
}

func (i *image) more() bool { return i.second != nil || i.reader != nil && i.reader.More() }

// scratchKept is how much memory stays for decompressing after a large event, in bytes.
const scratchKept = 4 << 20

// beginRows makes the rows of an event the next to be told.
func (r *Reader) beginRows(h event.Header, body []byte) error {
	if cap(r.scratch) > scratchKept {
		r.scratch = nil
	}
	e, scratch, err := r.format.ParseRows(h, body, r.scratch, r.config.EventBytesMax)
	r.scratch = scratch
	if err != nil || e.IsDummy() {
		return err
	}
	if !r.tx.open {
		return fmt.Errorf("binlog: rows at %s outside of a transaction: reading began inside of one", r.here())
	}
	time := r.clock.Next(int64(h.Time) * 1000)
	k := r.tables.byID[e.TableID]
	switch {
	case k == nil:
		return fmt.Errorf("binlog: rows of table number %d at %s, which has no map: reading began inside of a transaction", e.TableID, r.here())
	case k.rows == nil:
		return nil
	case r.tx.prepared:
		return fmt.Errorf("%w: at %s, of table %s: it may be rolled back after they are told; XA transactions are not supported", ErrXA, r.here(), k.rows.Schema)
	}
	r.tx.rows++
	if r.image.reader == nil {
		r.image.reader = &rows.Reader{}
	}
	r.image.action, r.image.header, r.image.time = e.Action, h, time
	return r.image.reader.Reset(k.rows, e, &r.arena)
}

// nextRow tells the next row of the event.
func (r *Reader) nextRow() (Event, bool, error) {
	if c := r.image.second; c != nil {
		r.image.second = nil
		return r.rowEvent(c), true, nil
	}
	before, after, err := r.image.reader.Next()
	if err != nil {
		return Event{}, false, fmt.Errorf("%s: %w", r.here(), err)
	}
	table := r.image.reader.Table()
	if after != nil {
		if err := complete(table, before, after); err != nil {
			return Event{}, false, fmt.Errorf("%s: %w", r.here(), err)
		}
	}
	if before != nil {
		for _, i := range table.Key {
			if before[i].Kind == change.Missing {
				return Event{}, false, fmt.Errorf("%s: %w", r.here(), partial(table, i))
			}
		}
	}
	switch r.image.action {
	case event.Write:
		return r.rowEvent(r.change(table, change.Create, nil, after)), true, nil
	case event.Delete:
		return r.rowEvent(r.change(table, change.Delete, before, nil)), true, nil
	}
	if sameKey(table, before, after) {
		return r.rowEvent(r.change(table, change.Update, before, after)), true, nil
	}
	first := r.change(table, change.Delete, before, nil)
	r.image.second = r.change(table, change.Create, nil, after)
	return r.rowEvent(first), true, nil
}

func (r *Reader) change(table *change.Table, op change.Op, before, after change.Row) *change.Change {
	c := r.arena.Change()
	h := &r.image.header
	c.Op, c.Table, c.Before, c.After = op, table, before, after
	c.Version = change.Version{
		Epoch: r.config.Epoch, ExecuteTime: r.image.time,
		Position: change.Position{File: r.place.number, Offset: r.place.start, Row: r.image.row},
	}
	c.Origin = change.Origin{ServerID: h.ServerID, File: r.place.file, GTID: r.tx.gtid, EventTime: int64(h.Time) * 1000}
	r.image.row++
	return c
}

func (r *Reader) rowEvent(c *change.Change) Event {
	e := r.event(Row, r.image.header)
	e.Change, e.SQL = c, r.statement
	return e
}

// complete fills what an after image leaves out because it did not change from the before image, where that has it.
func complete(table *change.Table, before, after change.Row) error {
	for i := range after {
		if after[i].Kind != change.Missing {
			continue
		}
		if before != nil && before[i].Kind != change.Missing {
			after[i] = before[i]
			continue
		}
		return partial(table, i)
	}
	return nil
}

func partial(table *change.Table, column int) error {
	return fmt.Errorf("%w: column %q of table %s; a session has another binlog_row_image than FULL", ErrPartialRow, table.Columns[column].Name, table)
}

func sameKey(table *change.Table, before, after change.Row) bool {
	for _, i := range table.Key {
		if !before[i].Equal(after[i]) {
			return false
		}
	}
	return true
}
