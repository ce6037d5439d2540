package rows

import (
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/binjson"
	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

var errCut = errors.New("a row is cut")

// Reader reads the rows of one event, one after the other, after Reset.
type Reader struct {
	table *Table
	event event.Rows
	arena *arena.Arena
	rest  []byte
	// documents are the binary documents of the before image, if an after image may be told as differences to them.
	documents [][]byte
}

// Reset lets the reader begin with the rows of an event of t.
func (r *Reader) Reset(t *Table, e event.Rows, arena *arena.Arena) error {
	if e.Columns != len(t.columns) {
		return fmt.Errorf("table %s has %d columns in a rows event and %d in its map", t.Schema, e.Columns, len(t.columns))
	}
	*r = Reader{table: t, event: e, arena: arena, rest: e.Data}
	if e.Partial {
		r.documents = make([][]byte, len(t.columns))
	}
	return nil
}

// Table is what the rows are of.
func (r *Reader) Table() *change.Table { return r.table.Schema }

// More reports whether rows are left.
func (r *Reader) More() bool { return len(r.rest) > 0 }

// Next reads a row: before is nil of a Write, after of a Delete. Values that the server did not write are Missing.
func (r *Reader) Next() (before, after change.Row, err error) {
	had := len(r.rest)
	clear(r.documents)
	switch r.event.Action {
	case event.Write:
		after, err = r.image(r.event.Present[0], false)
	case event.Delete:
		before, err = r.image(r.event.Present[0], false)
	default:
		if before, err = r.image(r.event.Present[0], false); err == nil {
			after, err = r.image(r.event.Present[1], true)
		}
	}
	if err == nil && len(r.rest) == had {
		err = errors.New("a row has no bytes") // an event of no columns would have rows without end
	}
	return before, after, err
}

// image reads one image.
//
//	after image of a partial update: options packed | bits of differences  (then)  | bits of NULLs | values
func (r *Reader) image(present []byte, isAfter bool) (change.Row, error) {
	t := r.table
	var different []byte
	if isAfter && r.event.Partial {
		var err error
		if different, err = r.options(); err != nil {
			return nil, err
		}
	}
	columns := 0
	for i := range t.columns {
		if has(present, i) {
			columns++
		}
	}
	nulls, err := r.take((columns + 7) / 8)
	if err != nil {
		return nil, err
	}
	row := r.arena.Row(len(t.columns))
	at, document := 0, 0
	for i := range t.columns {
		c := &t.columns[i]
		isDifferent := false
		if c.wire == event.JSON && different != nil {
			isDifferent = has(different, document)
			document++
		}
		if !has(present, i) {
			continue
		}
		if has(nulls, at) {
			row[i] = change.NullValue()
		} else if row[i], err = r.value(c, i, isDifferent, isAfter); err != nil {
			return nil, fmt.Errorf("column %q of table %s: %w", t.Schema.Columns[i].Name, t.Schema, err)
		}
		at++
	}
	return row, nil
}

func (r *Reader) value(c *column, i int, isDifferent, isAfter bool) (change.Value, error) {
	if c.wire != event.JSON {
		v, n, err := c.read(r.rest, r.arena)
		if err == nil {
			r.rest = r.rest[n:]
		}
		return v, err
	}
	content, n, err := blob(r.rest, c.meta)
	if err != nil {
		return change.Value{}, err
	}
	r.rest = r.rest[n:]
	if r.event.Partial && !isAfter {
		r.documents[i] = content
	}
	if !isDifferent {
		text, err := binjson.Append(r.arena.Buffer(2*len(content)), content)
		return change.JSONValue(r.arena.Keep(text)), err
	}
	if r.documents[i] == nil {
		return change.Value{}, errors.New("a partial update of a document that the before image does not have")
	}
	text, err := binjson.Update(r.arena.Buffer(2*(len(content)+len(r.documents[i]))), r.documents[i], content)
	return change.JSONValue(r.arena.Keep(text)), err
}

// options reads which documents are told as differences; nil if none is.
func (r *Reader) options() ([]byte, error) {
	const differences = 1
	options, err := r.take(1)
	if err != nil {
		return nil, err
	}
	switch options[0] {
	case 0:
		return nil, nil
	case differences:
		return r.take((r.table.documents + 7) / 8)
	}
	return nil, fmt.Errorf("a partial update has options %#x; only 1 is known", options[0])
}

func (r *Reader) take(n int) ([]byte, error) {
	if n > len(r.rest) {
		return nil, errCut
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b, nil
}

func has(bits []byte, i int) bool { return bits[i/8]>>(i%8)&1 == 1 }
