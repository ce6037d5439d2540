package snapshot

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// rowReader reads the rows of one answer. What does not change from row to row is worked out once.
type rowReader struct {
	plan   *Plan
	memory *arena.Arena
	// row is what all rows have in common.
	row change.Change
	// nulls is how many bytes say which columns are NULL.
	nulls int
	// kept are the parts of the key that are kept as the server sends them, in the order of the columns.
	kept []keptColumn
	// key is that of the row that was read last, as the server sent it. Of numbers there is none.
	key [][]byte
}

// keptColumn is a column that is a part of the key.
type keptColumn struct{ column, part int }

func newRowReader(p *Plan, v *View, memory *arena.Arena) rowReader {
	r := rowReader{plan: p, memory: memory, key: make([][]byte, len(p.Table.Key))}
	r.row = change.Change{Op: change.Read, Table: p.Table, Origin: change.Origin{ServerID: v.server, File: v.At.File, GTID: v.At.GTID, Snapshot: true}}
	r.nulls = (len(p.columns) + len(p.extra) + 2 + 7) / 8
	for part, column := range p.Table.Key {
		if !p.numbers[part] && p.columns[column].size == 0 {
			r.kept = append(r.kept, keptColumn{column, part})
		}
	}
	slices.SortFunc(r.kept, func(a, b keptColumn) int { return cmp.Compare(a.column, b.column) })
	return r
}

// read reads one row:
//
//	a bit for each column that is NULL, from the third on | values
func (r *rowReader) read(b []byte) (*change.Change, error) {
	p := r.plan
	if len(b) < r.nulls {
		return nil, errCut
	}
	nulls, b := b[:r.nulls], b[r.nulls:]
	isNull := func(i int) bool { return nulls[(i+2)/8]>>((i+2)%8)&1 == 1 }
	kept := r.kept
	row := r.memory.Row(len(p.columns))
	for i := range p.columns {
		null := isNull(i)
		if len(kept) > 0 && kept[0].column == i {
			if stored, _, ok := server.Content(b); ok && !null {
				r.key[kept[0].part] = append(r.key[kept[0].part][:0], stored...)
			}
			kept = kept[1:]
		}
		if null {
			row[i] = change.NullValue()
			continue
		}
		n, err := p.columns[i].read(&row[i], b, r.memory)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", p.Table.Columns[i].Name, err)
		}
		b = b[n:]
	}
	b, err := r.numbers(b, isNull)
	if err != nil {
		return nil, err
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%d bytes are left", len(b))
	}
	out := r.memory.Change()
	*out = r.row
	out.After = row
	return out, nil
}

// numbers reads those of the key, which follow the columns, and returns what is left.
func (r *rowReader) numbers(b []byte, isNull func(int) bool) ([]byte, error) {
	p := r.plan
	if len(p.extra) == 0 {
		return b, nil
	}
	at := 0
	for part, number := range p.numbers {
		if !number {
			continue
		}
		var v change.Value
		n, err := p.extra[at].read(&v, b, r.memory)
		if err != nil || isNull(len(p.columns)+at) {
			return nil, errCut
		}
		r.key[part] = v.AppendText(r.key[part][:0], 0)
		b = b[n:]
		at++
	}
	return b, nil
}
